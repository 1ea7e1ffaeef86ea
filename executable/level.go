package executable

// baselines are the values of Go's architecture settings with which an executable runs on every machine of its
// architecture that Go supports: Go's own defaults (https://go.dev/wiki/MinimumRequirements). GOARM, GO386 and GOMIPS are
// not among them: no value of theirs asks for more than the default does.
var baselines = map[string]string{
	"GOAMD64":   "v1",
	"GOARM64":   "v8.0",
	"GOPPC64":   "power8",
	"GORISCV64": "rva20u64",
	"GOWASM":    "",
}

// Level is a setting such as GOAMD64=v3 with which Go has built for newer processors only.
type Level struct {
	Setting, Value string
	// Baseline is the value with which the executable would run everywhere; it may be empty.
	Baseline string
}

// Level returns the setting by which Go built the executable for newer processors than its platform's oldest; false when
// there is none.
func (b Binary) Level() (Level, bool) {
	if b.Go == nil {
		return Level{}, false
	}
	for _, s := range b.Go.Settings {
		if baseline, known := baselines[s.Key]; known && s.Value != "" && s.Value != baseline {
			return Level{s.Key, s.Value, baseline}, true
		}
	}
	return Level{}, false
}

// IsBaseline reports whether a setting of Go's is one of these, at the value that it has by default.
func IsBaseline(setting, value string) bool {
	baseline, known := baselines[setting]
	return known && value == baseline
}
