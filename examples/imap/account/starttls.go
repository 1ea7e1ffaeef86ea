package account

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// startTLS begins TLS on a connection that has just been opened (RFC 9051, section 6.2.1). The library's own would read
// what the server says before [answers] could.
func startTLS(ctx context.Context, c net.Conn, config *tls.Config) (net.Conn, error) {
	s := &scanner{r: bufio.NewReader(c)}
	greeting := s.text()
	s.end()
	if s.err != nil {
		return nil, s.err
	}
	if fields := strings.Fields(greeting); len(fields) < 2 || !strings.EqualFold(fields[1], "OK") {
		// Logged in already, and so open to anyone, or one connection too many.
		return nil, &imap.Error{Type: imap.StatusResponseTypeBye, Text: greeting}
	}
	if _, err := fmt.Fprintf(c, "S1 STARTTLS\r\n"); err != nil {
		return nil, err
	}
	for {
		line := s.text()
		s.end()
		if s.err != nil {
			return nil, s.err
		}
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "S1" {
			continue
		}
		if !strings.EqualFold(fields[1], "OK") {
			return nil, fmt.Errorf("refused: %s", strings.Join(fields[1:], " "))
		}
		break
	}
	if s.r.Buffered() > 0 {
		return nil, errors.New("the server, or someone between, goes on before TLS has begun")
	}
	encrypted := tls.Client(c, config)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return encrypted, nil
}
