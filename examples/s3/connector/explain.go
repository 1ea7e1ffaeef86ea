package connector

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
)

// codeOf is S3's code of an error, "" if no server has said it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func codeOf(err error) string {
	var said minio.ErrorResponse
	errors.As(err, &said)
	return said.Code
}

// explain adds to an error what it means and what to do.
func (b *bucket) explain(err error) error {
	if err == nil {
		return nil
	}
	var said minio.ErrorResponse
	if !errors.As(err, &said) {
		var unknown x509.UnknownAuthorityError
		switch {
		case errors.As(err, &unknown):
			return fmt.Errorf("nobody known has signed its certificate: give who has as ca_file=...: %w", err)
		case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
			return fmt.Errorf("the server speaks no TLS: give use_tls=false: %w", err)
		case b.plain && strings.Contains(err.Error(), "closed by foreign host"): // the library's words for an end without an answer
			return fmt.Errorf("the server answers nothing: if it speaks TLS, leave use_tls=false out: %w", err)
		}
		return err
	}
	var words string
	switch said.Code {
	case "NoSuchBucket":
		words = fmt.Sprintf("there is no bucket %s", b.bucket)
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("there is no such object: %w: %w", fs.ErrNotExist, err)
	case "InvalidAccessKeyId", "XAdminUserNotFound": // AWS's and many others', versitygw's
		words = "the server does not know the access key"
	case "SignatureDoesNotMatch":
		words = "secret_access_key is not the access key's"
	case "AccessDenied":
		words = "the key does not allow it"
	case "RequestTimeTooSkewed":
		words = "the clocks of this machine and the server differ"
	case "PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed", "InvalidRegion":
		words = "the bucket is in another region: give region=..."
		if said.Region != "" {
			words = "the bucket is in another region: give region=" + said.Region
		}
	case "SlowDown":
		words = "the server throttles, and did so at every attempt"
	case "InvalidObjectState":
		words = "it is in an archive: restore it from there first"
	}
	switch {
	case words != "":
	case said.StatusCode == http.StatusInsufficientStorage || strings.Contains(said.Code, "QuotaExceeded"):
		words = "the server has no room"
	case strings.Contains(said.Message, "HTTP request to an HTTPS server"):
		words = "the server speaks TLS: leave use_tls=false out"
	default:
		words = "the server refuses"
	}
	return fmt.Errorf("%s: %s: %w", words, said.Code, err)
}

// ofServer tells an error that is about the whole server, and not about the one object that was asked for.
func ofServer(err error) bool {
	var said minio.ErrorResponse
	return err != nil && (!errors.As(err, &said) || said.StatusCode >= http.StatusInternalServerError)
}

// unreachable tells an error of a request that no server has answered.
func unreachable(err error) bool {
	var request *url.Error
	return errors.As(err, &request)
}
