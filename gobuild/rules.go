package gobuild

// Rules are the ids of all rules that Resolve judges by; docs/building.md explains them.
func Rules() []string {
	return []string{
		"executable-unbuilt", "executable-not-made", "wrong-package", "same-package", "module-missing", "go-file-kind",
		"build-platform", "build-ldflags", "makefile-undeclared", "makefile-package", "makefile-ext", "makefile-size",
		"makefile-missing",
	}
}
