// Package executable tells what an executable file says of itself, and names the platforms that executables are for.
//
// It takes any file: what it reads is bounded, and nothing is run. It builds nothing.
package executable
