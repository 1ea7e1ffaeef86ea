package wire

// DecodeHandle reads the handle in a ResolveRequest.
func DecodeHandle(message []byte) (handle string, err error) {
	err = each(message, func(f field) error {
		if f.number == 1 {
			return f.text(&handle)
		}
		return nil
	})
	return handle, err
}

// AppendSecret appends a ResolveResponse. The secret must be UTF-8: a changed one is another secret.
func AppendSecret(b []byte, secret string) []byte { return appendText(b, 1, secret) }
