package release

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/manifest"
)

// What provenance calls a build of kpkg's, and kpkg.
const (
	buildType     = "https://github.com/PlakarKorp/kpkg/blob/main/docs/release.md#provenance"
	builderID     = "https://github.com/PlakarKorp/kpkg"
	predicateType = "https://slsa.dev/provenance/v1"
)

// provenance is the in-toto statement on how a package was made, with the predicate of SLSA v1: from which commit, by which
// go with which settings, of which modules. It has no time: a package made again has the same.
func (r *Release) provenance(p Packaged, a *apart, opts Options) ([]byte, error) {
	parameters := map[string]any{
		"repository": r.repository, "tag": r.Tag, "manifest": r.head.Prefix + filepath.Base(r.Source.Document.File),
		"version": r.Version, "platform": p.Platform.String(), "build": buildSettings(r.Source.Document.Manifest.Build),
	}
	subjects := []*intoto.ResourceDescriptor{{Name: p.Name, Digest: map[string]string{"sha256": p.SHA256}}}
	if p.images != nil {
		parameters["image"] = map[string]any{"reference": opts.ImageReference}
		subjects = append(subjects, &intoto.ResourceDescriptor{Name: p.images.File, Digest: map[string]string{"sha256": p.images.SHA256}})
	}
	external, err := asStruct(parameters)
	if err != nil {
		return nil, err
	}
	internal, err := asStruct(map[string]any{"compression": string(opts.Compression), "executables": settings(a)})
	if err != nil {
		return nil, err
	}
	predicate := &v1.Provenance{
		BuildDefinition: &v1.BuildDefinition{
			BuildType: buildType, ExternalParameters: external, InternalParameters: internal, ResolvedDependencies: r.dependencies(a),
		},
		RunDetails: &v1.RunDetails{Builder: &v1.Builder{Id: builderID, Version: map[string]string{"kpkg": opts.Maker, "go": goVersion(a)}}},
	}
	if err := predicate.Validate(); err != nil {
		return nil, err
	}
	encoded, err := protojson.Marshal(predicate)
	if err != nil {
		return nil, err
	}
	body := &structpb.Struct{}
	if err := protojson.Unmarshal(encoded, body); err != nil {
		return nil, err
	}
	statement := &intoto.Statement{
		Type: intoto.StatementTypeUri, PredicateType: predicateType, Predicate: body,
		Subject: subjects,
	}
	if err := statement.Validate(); err != nil {
		return nil, err
	}
	if encoded, err = protojson.Marshal(statement); err != nil {
		return nil, err
	}
	// protojson varies its spaces on purpose, and the same statement is to have the same bytes.
	var b bytes.Buffer
	if err := json.Indent(&b, encoded, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// buildSettings are those of the manifest that decide what is built.
func buildSettings(b *manifest.Build) map[string]any {
	if b == nil {
		return map[string]any{}
	}
	said := map[string]any{}
	if len(b.Packages) > 0 {
		said["packages"] = b.Packages
	}
	if b.LDFlags != "" {
		said["ldflags"] = b.LDFlags
	}
	if len(b.Tags) > 0 {
		said["tags"] = b.Tags
	}
	if len(b.Env) > 0 {
		said["env"] = b.Env
	}
	return said
}

// asStruct is a value as JSON has it.
func asStruct(value map[string]any) (*structpb.Struct, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	s := &structpb.Struct{}
	return s, protojson.Unmarshal(data, s)
}

// settings are what go has recorded in each executable of how it was built.
func settings(a *apart) map[string]any {
	all := map[string]any{}
	for _, e := range a.executables {
		one := map[string]string{}
		if e.info != nil {
			one["package"], one["go"] = e.info.Path, e.info.GoVersion
			for _, s := range e.info.Settings {
				one[s.Key] = s.Value
			}
		}
		all[e.name] = one
	}
	return all
}

func goVersion(a *apart) string {
	for _, e := range a.executables {
		if e.info != nil {
			return e.info.GoVersion
		}
	}
	return ""
}

// dependencies are the commit and the modules.
func (r *Release) dependencies(a *apart) []*intoto.ResourceDescriptor {
	var all []*intoto.ResourceDescriptor
	if r.inGit {
		all = append(all, &intoto.ResourceDescriptor{
			Uri: "git+" + r.repository + "@refs/tags/" + r.Tag, Digest: map[string]string{"gitCommit": r.head.Commit},
		})
	}
	for _, m := range a.modules {
		if m.Path == modules.Standard {
			continue
		}
		one := &intoto.ResourceDescriptor{Uri: m.URL()}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
			// The hash of go.sum: SHA-256 over the sums of all files of the module.
			one.Digest = map[string]string{"goModuleH1": hex.EncodeToString(sum)}
		}
		all = append(all, one)
	}
	return all
}
