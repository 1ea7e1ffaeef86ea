package wire

import (
	"github.com/PlakarKorp/kloset/connectors"
)

// Init is what a connector is constructed from.
type Init struct {
	Options connectors.Options
	Proto   string
	Config  map[string]string
}

// DecodeInit reads the InitRequest of importers and exporters.
func DecodeInit(message []byte) (Init, error) {
	return decodeInit(message, 1)
}

// DecodeStorageInit reads a storage's InitRequest, which has no options.
func DecodeStorageInit(message []byte) (Init, error) {
	return decodeInit(message, 0)
}

// DecodeConfigInit reads the InitRequest of secret providers and inventories, which has the configuration alone.
func DecodeConfigInit(message []byte) (Init, error) {
	return decodeInit(message, -1)
}

// decodeInit reads an InitRequest whose protocol and configuration follow shift other fields.
func decodeInit(message []byte, shift int) (Init, error) {
	in := Init{Config: make(map[string]string)}
	err := each(message, func(f field) error {
		switch int(f.number) - shift {
		case 0:
			return f.message(func(b []byte) error { return decodeOptions(b, &in.Options) })
		case 1:
			return f.text(&in.Proto)
		case 2:
			return f.message(func(b []byte) error { return decodeEntry(b, in.Config) })
		}
		return nil
	})
	return in, err
}

func decodeOptions(message []byte, o *connectors.Options) error {
	return each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.text(&o.Hostname)
		case 2:
			return f.text(&o.OperatingSystem)
		case 3:
			return f.text(&o.Architecture)
		case 4:
			return f.text(&o.CWD)
		case 5:
			return number(f, &o.MaxConcurrency)
		case 6:
			return f.element(&o.Excludes)
		case 7:
			return f.bool(&o.NoXattr)
		}
		return nil
	})
}

func decodeEntry(message []byte, config map[string]string) error {
	var key, value string
	err := each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.text(&key)
		case 2:
			return f.text(&value)
		}
		return nil
	})
	if len(config) == maxElements {
		return errTooMany
	}
	config[key] = value
	return err
}

// Identity is how a connector introduces itself.
type Identity struct {
	Origin, Type, Root string
	Flags              uint32
}

// AppendIdentity appends the InitResponse of importers and exporters.
func AppendIdentity(b []byte, i Identity) []byte {
	return appendNumber(i.append(b), 4, uint64(i.Flags))
}

// AppendStorageIdentity appends a storage's InitResponse.
func AppendStorageIdentity(b []byte, i Identity) []byte {
	return appendNumber(i.append(b), 5, uint64(i.Flags))
}

func (i Identity) append(b []byte) []byte {
	b = appendText(b, 1, Text(i.Origin))
	b = appendText(b, 2, Text(i.Type))
	return appendText(b, 3, Text(i.Root))
}
