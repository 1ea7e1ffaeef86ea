package web

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// maxDatabase is the largest database that is opened: it is copied to disk.
	maxDatabase = 512 << 20
	// queryTime is how long a query may take, and maxValue how long a value in it may be.
	queryTime = 5 * time.Second
	maxValue  = 256 << 10
	maxTables = 50
	// maxColumns is how many values a row may have while a query is answered, and maxArguments how many a function: each takes up to
	// maxValue of memory, which SQLite as it is built here does not count.
	maxColumns   = 500
	maxArguments = 100
)

const databaseMagic = "SQLite format 3\x00"

func isDatabase(c Content) bool {
	begin := make([]byte, len(databaseMagic))
	n, _ := c.ReadAt(begin, 0)
	return string(begin[:n]) == databaseMagic
}

// reading is how a query begins that only reads.
var reading = regexp.MustCompile(`(?is)^\s*(select|with|values)\b`)

// showDatabase lists the tables of a database, and answers a query. The query reads and nothing else: the copy of the database
// is opened for reading, no other file can be attached or written, and time, rows and the length of values are bounded.
func showDatabase(ctx context.Context, c Content) View {
	v := View{Kind: "table", Database: true, SQL: c.SQL}
	if c.Size() > maxDatabase {
		v.Error = fmt.Sprintf("the database is larger than %d MiB: download it to look into it", maxDatabase>>20)
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, queryTime)
	defer cancel()
	err := withDatabase(ctx, c, func(db *sql.Conn) error {
		if c.SQL != "" {
			if !reading.MatchString(c.SQL) {
				return errors.New("only queries that read are answered: SELECT, WITH and VALUES")
			}
			t, cut, err := query(ctx, db, c.SQL)
			v.Tables, v.Cut = []Table{t}, cut
			return err
		}
		t, cut, err := query(ctx, db,
			fmt.Sprintf("SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view') LIMIT %d", maxTables))
		v.Tables, v.Cut = []Table{t}, cut
		return err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		v.Error = fmt.Sprintf("the query takes more than %v", queryTime)
	case err != nil:
		v.Error = err.Error()
	}
	return v
}

func withDatabase(ctx context.Context, c Content, do func(*sql.Conn) error) error {
	file, err := os.CreateTemp(c.TempDir, "database-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, io.NewSectionReader(c, 0, c.Size()))
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	name := url.URL{Scheme: "file", Path: file.Name(),
		RawQuery: "mode=ro&immutable=1&_pragma=query_only(1)&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)&_pragma=mmap_size(0)"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for id, limit := range map[int]int{sqlite3.SQLITE_LIMIT_ATTACHED: 0, sqlite3.SQLITE_LIMIT_LENGTH: maxValue,
		sqlite3.SQLITE_LIMIT_COLUMN: maxColumns, sqlite3.SQLITE_LIMIT_FUNCTION_ARG: maxArguments} {
		if _, err := sqlite.Limit(conn, id, limit); err != nil {
			return err
		}
	}
	return do(conn)
}

func query(ctx context.Context, db *sql.Conn, text string) (t Table, cut string, err error) {
	rows, err := db.QueryContext(ctx, strings.TrimRight(text, "; \t\r\n"))
	if err != nil {
		return t, "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return t, "", err
	}
	if len(columns) > maxCols {
		return t, "", fmt.Errorf("it has %d columns: name at most %d of them", len(columns), maxCols)
	}
	for _, name := range columns {
		t.Columns = append(t.Columns, cutCell(name))
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if len(t.Rows) == maxRows {
			return t, fmt.Sprintf("the first %d rows", maxRows), nil
		}
		if err := rows.Scan(targets...); err != nil {
			return t, "", err
		}
		var row []string
		for _, value := range values {
			row = append(row, shownValue(value))
		}
		t.Rows = append(t.Rows, row)
	}
	return t, "", rows.Err()
}

func shownValue(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("%d bytes: %s", len(v), hex.EncodeToString(v[:min(len(v), 32)]))
	}
	return cutCell(fmt.Sprint(value))
}
