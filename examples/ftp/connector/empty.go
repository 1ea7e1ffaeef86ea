package connector

import (
	"crypto/rand"
	"errors"
	"net/textproto"
	"path"
	"regexp"
	"strings"

	"github.com/jlaffaye/ftp"
)

var (
	// nothingThere is how servers refuse to list a folder that is empty: "No files found", "no such file or directory"
	// of "*" or ".", "Directory is empty", "No members found", and the same in other languages.
	nothingThere = regexp.MustCompile(`(?i)\bno (\w+ )?(files?|entries|entry|items?|members?|data ?sets?|match(es)?)\b|` +
		`\b(files?|entries|match(es)?|nothing|none) (\w+ )?(not )?found\b|\b(is )?empty\b|\bnothing to list\b|` +
		`\bkein(e|en)? (\w+ )?(dateien|datei|einträge)\b|\b(ordner|verzeichnis) (ist )?leer\b|` + // German
		`\b(aucun|pas de) fichiers?\b|\b(dossier|répertoire) (est )?vide\b|` + // French
		`\b(ningún|no hay|no se encontr\pL+) (ningún )?(archivos?|ficheros?)\b|\bvac[ií][ao]\b|` + // Spanish
		`\bness?un file\b|\bvuot[ao]\b|` + // Italian
		`\bnenhum (arquivo|ficheiro)\b|\bvazi[ao]\b|` + // Portuguese
		`\bgeen bestand(en)?\b|` + // Dutch
		`нет файлов|файлы не найдены|没有文件|沒有檔案|ファイルが(ありません|見つかりません)`)
	// unread is said of folders that may hold something: it is kept from us, or nobody knows.
	unread = regexp.MustCompile(`(?i)permission|denied|forbidden|\baccess\b|privileg|not (allowed|permitted)|authori[sz]|` +
		`\bfail|\berror\b|could ?n.t|can ?not|can.t|unable|\bdisk\b|timed? ?out|` +
		`no such (directory|folder)|(directory|folder|path) (does )?not|zugriff|verweigert|rechte|refus|denegad|negato`)
	// unreadAfterAll is said with 226, after a listing of nothing, by servers that could not read the folder: vsftpd's
	// "Transfer done (but failed to open directory)."
	unreadAfterAll = regexp.MustCompile(`(?i)failed to|permission denied|access denied|could ?n.t|can ?not|unable to`)
)

// unlessEmpty is what a server's refusal to list dir means: with 450 or 550 and such words, dir is empty if one can change
// into it and not into a folder that does not exist. Anything else is an error.
func (c *conn) unlessEmpty(dir string, err error) (*listing, error) {
	var refusal *textproto.Error
	if !errors.As(err, &refusal) || !saysEmpty(refusal, dir) {
		return nil, err
	}
	if doubt := c.client.ChangeDir(dir); doubt != nil {
		if !isRefusal(doubt) || isUnavailable(doubt) {
			err = doubt
		}
		return nil, err
	}
	doubt := c.client.ChangeDir(path.Join(dir, ".plakar-"+rand.Text()))
	switch {
	case doubt == nil: // it lets one change into anything
		return nil, err
	case !isRefusal(doubt) || isUnavailable(doubt):
		return nil, doubt
	}
	return &listing{}, nil
}

// saysEmpty reports whether a server refuses to list dir because it holds nothing. dir's name in the reply does not count.
func saysEmpty(refusal *textproto.Error, dir string) bool {
	if refusal.Code != ftp.StatusFileActionIgnored && refusal.Code != ftp.StatusFileUnavailable {
		return false
	}
	text := refusal.Msg
	if dir != "/" {
		text = strings.ReplaceAll(text, dir, "")
		for _, end := range []string{":", `"`, "'"} {
			text = strings.ReplaceAll(text, path.Base(dir)+end, end)
		}
	}
	return nothingThere.MatchString(text) && !unread.MatchString(text)
}
