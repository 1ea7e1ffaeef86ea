package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Pieces are what a registry holds of an image.
type Pieces struct {
	// Manifest is as it stands in the archive, MediaType its type.
	Manifest  []byte
	MediaType string
	// Blobs are the configuration and the layers.
	Blobs []Piece
}

// Piece is one of them, and where it is in the file of the archive.
type Piece struct {
	// Digest is "sha256:" and 64 hexadecimal digits.
	Digest string
	// Size and Offset are in bytes.
	Size, Offset int64
}

// Pieces are those of an image of the archive, whose sums Read has compared.
func (a *Archive) Pieces(found Found) (Pieces, error) {
	manifest, err := a.blob(found.manifest)
	if err != nil {
		return Pieces{}, err
	}
	p := Pieces{Manifest: manifest, MediaType: string(found.manifest.MediaType)}
	for _, its := range append([]v1.Descriptor{found.config}, found.layers...) {
		name, err := nameOf(its.Digest)
		if err != nil {
			return Pieces{}, err
		}
		p.Blobs = append(p.Blobs, Piece{its.Digest.String(), its.Size, a.blobs[name].at})
	}
	return p, nil
}
