package executable

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestLevel(t *testing.T) {
	for setting, above := range map[string]bool{
		"GOAMD64=v1": false, "GOAMD64=v2": true, "GOAMD64=v4": true, "GOARM64=v8.0": false, "GOARM64=v8.0,lse": true, "GOARM64=v9.0": true,
		"GOPPC64=power8": false, "GOPPC64=power10": true, "GORISCV64=rva20u64": false, "GORISCV64=rva22u64": true,
		"GOWASM=": false, "GOWASM=satconv": true, "GOARM=7": false, "GOARM=5": false, "GO386=sse2": false, "GO386=softfloat": false,
		"GOMIPS=softfloat": false, "CGO_ENABLED=1": false,
	} {
		var s debug.BuildSetting
		s.Key, s.Value, _ = strings.Cut(setting, "=")
		level, found := Binary{Go: &debug.BuildInfo{Settings: []debug.BuildSetting{s}}}.Level()
		if found != above || found && (level.Setting != s.Key || level.Value != s.Value) {
			t.Errorf("%s: %+v, %t", setting, level, found)
		}
		if IsBaseline(s.Key, s.Value) && above {
			t.Errorf("%s is a baseline", setting)
		}
	}
	if level, found := (Binary{}).Level(); found {
		t.Errorf("an executable that is not Go's has %+v", level)
	}
}
