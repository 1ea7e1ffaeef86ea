// Package pages looks at the pages that kpkg makes in a real browser, Debian's Chromium: how they look, what they do with a
// keyboard and without a script, what axe-core says of them, and that nothing of a stranger's runs in them.
package pages
