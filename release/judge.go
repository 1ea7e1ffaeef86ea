package release

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/remote"
	"github.com/PlakarKorp/kpkg/verify"
)

// Trust is what the sums and signatures of files are held to.
type Trust struct {
	// Keys are those whose signatures count. While keys change, these are the old one and the new; one that is lost stays
	// among them for as long as what it has signed is in use, one that is no longer trusted goes.
	Keys []*PublicKey
	// Require makes errors of a sum or a signature that is not there.
	Require bool
}

// Beside reads a file beside the one that is judged, by what its name has at the end. The error about one that is not there
// wraps fs.ErrNotExist.
type Beside func(extension string) ([]byte, error)

// BesideFile reads the files beside the one at path.
func BesideFile(path string) Beside {
	return func(extension string) ([]byte, error) { return regular.Read(path+extension, MaxSidecar+1) }
}

// besideURL reads the files beside the one at a URL.
func besideURL(ctx context.Context, address string) Beside {
	return func(extension string) ([]byte, error) {
		name, err := remote.Beside(address, extension)
		if err != nil {
			return nil, err
		}
		in, err := remote.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		return io.ReadAll(io.NewSectionReader(in, 0, min(in.Size(), MaxSidecar+1)))
	}
}

// Judge holds the sum and the signature of a file to its name and its bytes. file is what findings call it; sum has its base
// name, and the SHA-256 of its bytes as they were read. The signature is nil unless all about it is right. The error is a
// failure to read.
func (t Trust) Judge(file string, sum Sum, beside Beside) (*verify.Signature, []finding.Finding, error) {
	j := judge{Trust: t, file: file, sum: sum}
	signature, err := beside(SignatureExtension)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var signed *verify.Signature
	if err == nil {
		signed = j.signature(signature)
	} else {
		j.report("signature-missing", t.missing(), "there is no "+file+SignatureExtension+", so that nobody tells who made "+sum.Name,
			"kpkg sign --key SECRET "+file+" writes it; ask whoever made the file")
	}
	written, err := beside(SumExtension)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err == nil {
		j.written(written, signed)
	} else {
		j.report("sum-missing", t.missing(), "there is no "+file+SumExtension, "fetch it with the file: clients ask for it")
	}
	if finding.HasErrors(j.findings) {
		signed = nil
	}
	return signed, j.findings, nil
}

func (t Trust) missing() finding.Severity {
	if t.Require {
		return finding.Error
	}
	return finding.Warning
}

// judge collects what there is to say of one file.
type judge struct {
	Trust
	file     string
	sum      Sum
	findings []finding.Finding
}

func (j *judge) report(rule string, severity finding.Severity, message, hint string) {
	j.findings = append(j.findings, finding.Finding{
		Rule: rule, Severity: severity, File: j.file, Message: finding.CutMessage(message), Hint: hint,
	})
}

func (j *judge) fail(rule, message, hint string) { j.report(rule, finding.Error, message, hint) }

// signature judges F.sum.sig, which says by itself what F's sum is.
func (j *judge) signature(data []byte) *verify.Signature {
	name := j.sum.Name + SignatureExtension
	s, err := ParseSignature(data)
	if err != nil {
		j.fail("signature-form", name+" is no signature: "+err.Error(), "fetch it again, or ask whoever made the file")
		return nil
	}
	key, err := j.key(s)
	switch {
	case key == nil:
		j.fail("signature-key", name+" is signed with the key "+s.Key.String()+", which is none of those given: "+j.keys(),
			"do not use the file unless its maker tells you, by another way, that this key is theirs; then give it with --key")
		return nil
	case err != nil:
		j.fail("signature-forged", name+" names the key "+s.Key.String()+" ("+key.File+"), which did not make it: "+
			"the signature or what it signs was changed", "do not use the file; fetch it and its signature again from its maker")
		return nil
	}
	// From here on, the message is what the key's holder has written.
	signed, err := ParseSum(s.Message)
	switch {
	case err != nil:
		j.fail("signature-form", name+" signs something else than a sum: "+err.Error(), "have its maker sign it with kpkg sign")
	case signed.Name != j.sum.Name:
		j.fail("signature-name", name+" is the signature of another file: "+signed.Name,
			"do not use the file: it may be an older one under a new name")
	case signed.SHA256 != j.sum.SHA256:
		j.fail("signature-sum", j.sum.Name+" has the SHA-256 "+j.sum.SHA256+"; the one signed with "+key.File+" is "+signed.SHA256,
			"do not use the file: it is not the one that was signed; fetch both again")
	default:
		return &verify.Signature{Key: s.Key.String(), File: key.File, Comment: key.Comment}
	}
	return nil
}

// key is the one among those given that made the signature; with an error, one that has its id and did not make it.
func (j *judge) key(s *Signature) (key *PublicKey, err error) {
	for _, one := range j.Keys {
		if one.ID != s.Key {
			continue
		}
		if key, err = one, s.Verify(one); err == nil {
			break
		}
	}
	return key, err
}

// keys names those given.
func (j *judge) keys() string {
	if len(j.Keys) == 0 {
		return "no key is given"
	}
	var text string
	for i, key := range j.Keys {
		if i > 0 {
			text += ", "
		}
		text += key.ID.String() + " (" + key.File + ")"
	}
	return text
}

// written judges F.sum.
func (j *judge) written(data []byte, signed *verify.Signature) {
	name := j.sum.Name + SumExtension
	written, err := ParseSum(data)
	switch {
	case err != nil:
		j.fail("sum-form", name+" is no sum: "+err.Error(), "fetch it again")
	case written.Name != j.sum.Name:
		j.fail("sum-name", name+" is the sum of another file: "+written.Name, "fetch the sum of this one")
	case written.SHA256 != j.sum.SHA256:
		hint := "the file or its sum was changed, and neither is signed: fetch both again"
		if signed != nil {
			hint = "the file is the one that was signed, its sum is not: fetch the sum again"
		}
		j.fail("sum-mismatch", j.sum.Name+" has the SHA-256 "+j.sum.SHA256+"; "+name+" says "+written.SHA256, hint)
	}
}

// ReadPublicKeys reads keys to trust, each once.
func ReadPublicKeys(files []string) ([]*PublicKey, error) {
	var keys []*PublicKey
	for _, file := range files {
		key, err := ReadPublicKey(file)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(keys, func(other *PublicKey) bool { return other.Same(key) }) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
