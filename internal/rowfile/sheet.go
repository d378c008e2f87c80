package rowfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Column is a column of a Sheet.
type Column struct {
	Name string
	Type ColumnType
}

// ColumnType is the type of a column's values; nil stands for none in each.
type ColumnType uint8

// Types of columns.
const (
	Text   ColumnType = iota // string
	Whole                    // int64
	ID                       // uint64
	Number                   // float64
	Flag                     // bool
	Time                     // int64, ns since the epoch
)

// TimeFormat is how times stand in CSV and JSON.
const TimeFormat = "2006-01-02T15:04:05.000000000Z"

// Sheet takes rows of columns that are known at run time only.
type Sheet interface {
	// Write takes a row with a value for each column, of its type or nil.
	Write(row []any) error
	// Close ends the sheet; what it was written to is incomplete without that.
	Close() error
}

// CreateSheet begins a file, of the format that its ending says: .csv or .parquet.
func CreateSheet(path string, columns []Column) (Sheet, error) {
	ending := filepath.Ext(path)
	if ending != ".csv" && ending != ".parquet" {
		return nil, fmt.Errorf("%s: a table is written as .csv or .parquet: give one of these endings", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	var s Sheet
	if ending == ".csv" {
		s, err = NewCSV(f, columns)
	} else {
		s = newParquet(f, columns)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &sheetFile{s, f}, nil
}

type sheetFile struct {
	Sheet
	file *os.File
}

func (s *sheetFile) Close() error { return errors.Join(s.Sheet.Close(), s.file.Close()) }

// NewCSV begins CSV with a line of the columns' names. Its Close does not close w.
func NewCSV(w io.Writer, columns []Column) (Sheet, error) {
	s := &csvSheet{csv.NewWriter(w), columns, make([]string, len(columns))}
	for i, c := range columns {
		s.cells[i] = c.Name
	}
	return s, s.out.Write(s.cells)
}

type csvSheet struct {
	out     *csv.Writer
	columns []Column
	cells   []string
}

func (s *csvSheet) Write(row []any) error {
	for i, v := range row {
		s.cells[i] = cell(s.columns[i].Type, v)
	}
	return s.out.Write(s.cells)
}

func cell(t ColumnType, v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		if t == Time {
			return time.Unix(0, v).UTC().Format(TimeFormat)
		}
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return decimal(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}

func (s *csvSheet) Close() error {
	s.out.Flush()
	return s.out.Error()
}

// parquetSheet writes rows as values of a struct that is made of the columns.
type parquetSheet struct {
	out *parquet.GenericWriter[any]
	row reflect.Type
}

func newParquet(w io.Writer, columns []Column) *parquetSheet {
	fields := make([]reflect.StructField, len(columns))
	for i, c := range columns {
		of, tag := reflect.TypeFor[*string](), c.Name+",optional"
		switch c.Type {
		case Text:
			tag += ",dict"
		case Whole:
			of = reflect.TypeFor[*int64]()
		case ID:
			of = reflect.TypeFor[*uint64]()
		case Number:
			of = reflect.TypeFor[*float64]()
		case Flag:
			of = reflect.TypeFor[*bool]()
		case Time:
			of, tag = reflect.TypeFor[*int64](), tag+",timestamp(nanosecond)"
		}
		fields[i] = reflect.StructField{Name: "Column" + strconv.Itoa(i), Type: of,
			Tag: reflect.StructTag(`parquet:"` + tag + `"`)}
	}
	row := reflect.StructOf(fields)
	return &parquetSheet{parquet.NewGenericWriter[any](w, parquet.SchemaOf(reflect.New(row).Interface()),
		parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(maxGroupRows)), row}
}

func (s *parquetSheet) Write(row []any) error {
	v := reflect.New(s.row)
	for i, x := range row {
		if x != nil {
			p := reflect.New(s.row.Field(i).Type.Elem())
			p.Elem().Set(reflect.ValueOf(x))
			v.Elem().Field(i).Set(p)
		}
	}
	_, err := s.out.Write([]any{v.Interface()})
	return err
}

func (s *parquetSheet) Close() error { return s.out.Close() }
