// Package connector reads, writes and keeps stores in buckets of S3 servers.
package connector
