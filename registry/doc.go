// Package registry makes and checks the static tree of files from which plakar's newer clients install packages.
//
// The tree needs no program but a web server:
//
//	integrations-v1.0.0.json        what there is, the newest version of each integration, with its sum and signature
//	prereleases-v1.0.0.json         the same of versions that are not meant for everybody
//	community/v1.1.0/NAME/          recipe.yaml of the version offered, README.md, icon, versions.json and all packages
//	community/v1.1.0/NAME/VERSION/  the recipe, notes, lists of parts and provenances of each version
//
// The index files stand in a folder of their own, index/, to which links lead, so that they change all in one step; each NAME
// folder is one step too: it is made beside the old one, of hard links, and the two change names. The index goes last. Whoever
// reads meanwhile, or after a run that was killed, reads one state of each or the other.
//
// What is published under a version does not change: other bytes are refused, and a version that is withdrawn stays. What the
// tree says is held to the packages when they come in; a check holds all of it to its sums, its signatures, to itself, and to
// what was seen of it before.
package registry
