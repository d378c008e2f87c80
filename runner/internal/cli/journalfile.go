package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hftrunner/hftrunner/internal/history"
	"github.com/hftrunner/hftrunner/internal/journal"
	"github.com/hftrunner/hftrunner/internal/rowfile"
)

func (s *settings) journalVerifyCommand(state *stateFlags) *cobra.Command {
	return &cobra.Command{Use: "verify", Short: "check every record and every checkpoint", Args: noArguments,
		Long: "verify reads the whole journal and its money directory. Damage is listed with file, offset and the records that are\n" +
			"missing; the exit code is 1 then.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := state.journalDir(s)
			if err != nil {
				return err
			}
			report, err := journal.Verify(cmd.Context(), dir)
			if err != nil {
				return withCode(ExitFailure, err)
			}
			form := verifyForm{Report: report}
			damage, err := journal.ReadMoney(cmd.Context(), dir, 0,
				func(*journal.Record) error { form.MoneyRecords++; return nil })
			if err != nil {
				return withCode(ExitFailure, err)
			}
			form.Damage = append(form.Damage, damage...)
			form.OK = len(form.Damage) == 0
			return s.printVerified(&form)
		}}
}

// verifyForm is the JSON form of verify.
type verifyForm struct {
	OK bool `json:"ok"`
	journal.Report
	MoneyRecords uint64 `json:"money_records"`
}

func (s *settings) printVerified(f *verifyForm) error {
	if s.json() {
		if err := printJSON(s.app.Stdout, f); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.app.Stdout, "journal %s: %s, %s from %d to %d, %s\n", f.Journal, count(f.Segments, "segment"),
			count(int(f.Records), "record"),
			f.First, f.Last, count(f.Checkpoints, "checkpoint"))
		if f.MoneyRecords > 0 {
			fmt.Fprintf(s.app.Stdout, "money: %s of segments that were removed\n", count(int(f.MoneyRecords), "record"))
		}
		if f.Unwritten > 0 {
			fmt.Fprintf(s.app.Stdout, "%s in memory, not on disk yet\n", count(int(f.Unwritten), "record"))
		}
		if f.Lost > 0 {
			fmt.Fprintf(s.app.Stdout, "%s could not be appended because the disk was full or failing\n",
				count(int(f.Lost), "record"))
		}
		if f.TornBytes > 0 {
			fmt.Fprintf(s.app.Stdout, "%s after the last record: space for new records, or a torn tail\n",
				count(int(f.TornBytes), "byte"))
		}
		for _, d := range f.Damage {
			fmt.Fprintf(s.app.Stdout, "damaged: %v\n", d)
		}
	}
	if !f.OK {
		return withCode(ExitFailure, fmt.Errorf("the journal is damaged in %s", count(len(f.Damage), "place")))
	}
	return nil
}

func (s *settings) journalExportCommand(state *stateFlags) *cobra.Command {
	var filter journalFilter
	formats := []string{"csv", "parquet"}
	c := &cobra.Command{Use: "export DIR", Short: "write records as CSV and Parquet, one table per kind",
		Example: "  runner journal export --since 2026-03-01 --kind execution,funding tables",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("export takes the directory to write to, got %d names", len(args))
			}
			return nil
		},
		PreRunE: func(*cobra.Command, []string) error {
			for _, f := range formats {
				if f != "csv" && f != "parquet" {
					return fmt.Errorf("--format is %q: use csv or parquet, or both", f)
				}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := state.journalDir(s)
			if err != nil {
				return err
			}
			e := &journalExport{dir: args[0], formats: formats, tables: make(map[journal.Kind]*exportTable)}
			if err := os.MkdirAll(e.dir, 0o700); err != nil {
				return withCode(ExitFailure, fmt.Errorf("create the directory: %w", err))
			}
			damage, err := filter.read(cmd.Context(), s, dir, false, e.put)
			if closeErr := e.close(); err == nil && closeErr != nil {
				err = withCode(ExitFailure, closeErr)
			}
			if err == nil {
				err = s.printExported(e)
			}
			return s.tellDamage(damage, err)
		}}
	filter.add(c)
	c.Flags().StringSliceVar(&formats, "format", formats, "`FORMATS` to write: csv, parquet")
	return c
}

// journalExport writes tables.
type journalExport struct {
	dir     string
	formats []string
	tables  map[journal.Kind]*exportTable
}

type exportTable struct {
	kind   string
	sheets []rowfile.Sheet
	paths  []string
	rows   int
}

func (e *journalExport) put(r *journal.Record, names *history.Names) error {
	fields := append(names.Head(r), history.Fields(r)...)
	t := e.tables[r.Kind]
	if t == nil {
		t = &exportTable{kind: r.Kind.String()}
		e.tables[r.Kind] = t
		columns := make([]rowfile.Column, len(fields))
		for i := range fields {
			columns[i] = fields[i].Column
		}
		for _, format := range e.formats {
			path := filepath.Join(e.dir, t.kind+"."+format)
			sheet, err := rowfile.CreateSheet(path, columns)
			if err != nil {
				return fmt.Errorf("create a table: %w", err)
			}
			t.sheets, t.paths = append(t.sheets, sheet), append(t.paths, path)
		}
	}
	row := make([]any, len(fields))
	for i := range fields {
		row[i] = fields[i].Value
	}
	t.rows++
	for i, sheet := range t.sheets {
		if err := sheet.Write(row); err != nil {
			return fmt.Errorf("write %s: %w", t.paths[i], err)
		}
	}
	return nil
}

func (e *journalExport) close() error {
	var errs []error
	for _, t := range e.tables {
		for _, sheet := range t.sheets {
			errs = append(errs, sheet.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *settings) printExported(e *journalExport) error {
	type form struct {
		Kind  string   `json:"kind"`
		Rows  int      `json:"rows"`
		Files []string `json:"files"`
	}
	all := []form{}
	for _, t := range e.tables {
		all = append(all, form{t.kind, t.rows, t.paths})
	}
	slices.SortFunc(all, func(a, b form) int { return strings.Compare(a.Kind, b.Kind) })
	if s.json() {
		return printJSON(s.app.Stdout, map[string]any{"tables": all})
	}
	for _, f := range all {
		fmt.Fprintf(s.app.Stdout, "%s of %s: %s\n", count(f.Rows, "row"), f.Kind, strings.Join(f.Files, ", "))
	}
	if len(all) == 0 {
		fmt.Fprintln(s.app.Stdout, "no such records")
	}
	return nil
}
