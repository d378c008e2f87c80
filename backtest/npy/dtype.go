package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Causes that errors of this package wrap.
var (
	// ErrFormat: the file is something else than an array of the wanted rows.
	ErrFormat = errors.New("not an array of these rows")
	// ErrTruncated: the file ends before its rows do.
	ErrTruncated = errors.New("file is truncated")
	// ErrCorrupt: the archive's structure, compression or checksum is wrong.
	ErrCorrupt = errors.New("file is corrupt")
)

// Field is one field of a row: its name and its NumPy type, "<u8", "<i8" or "<f8" (8 bytes, little endian).
type Field struct{ Name, Type string }

// Dtype is the layout of a row: its fields in order, without gaps.
type Dtype []Field

// fieldBytes is the size of a field of any type that is supported.
const fieldBytes = 8

// EventDtype returns the layout of market data, that of hft.Event (specification 1.1).
func EventDtype() Dtype {
	return Dtype{{"ev", "<u8"}, {"exch_ts", "<i8"}, {"local_ts", "<i8"}, {"px", "<f8"}, {"qty", "<f8"},
		{"order_id", "<u8"}, {"ival", "<i8"}, {"fval", "<f8"}}
}

// LatencyDtype returns the layout of order latencies: times of request, arrival at the exchange and response in
// nanoseconds, and eight unused bytes (specification 1.3).
func LatencyDtype() Dtype {
	return Dtype{{"req_ts", "<i8"}, {"exch_ts", "<i8"}, {"resp_ts", "<i8"}, {"_padding", "<i8"}}
}

// RecordDtype returns the layout of the recorder's samples of an asset's state (specification 8.4).
func RecordDtype() Dtype {
	return Dtype{{"timestamp", "<i8"}, {"price", "<f8"}, {"position", "<f8"}, {"balance", "<f8"}, {"fee", "<f8"},
		{"num_trades", "<i8"}, {"trading_volume", "<f8"}, {"trading_value", "<f8"}}
}

// String returns the layout as NumPy's descr has it.
func (d Dtype) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, f := range d {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "('%s', '%s')", f.Name, f.Type)
	}
	b.WriteByte(']')
	return b.String()
}

// rowBytes returns the size of a row.
func (d Dtype) rowBytes() int64 { return int64(len(d)) * fieldBytes }

// checkRow reports why values of type T cannot be the rows of d on this machine.
func checkRow[T any](d Dtype) error {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return fmt.Errorf("%w: rows are little endian and this machine is not; run on amd64 or arm64", ErrFormat)
	}
	if len(d) == 0 {
		return fmt.Errorf("%w: the layout has no fields; the fields of a row are required", ErrFormat)
	}
	row := reflect.TypeFor[T]()
	if row.Kind() != reflect.Struct || row.NumField() != len(d) || int64(row.Size()) != d.rowBytes() {
		return fmt.Errorf("%w: %v does not have the %d fields of 8 bytes of %v; use a struct of them", ErrFormat, row,
			len(d), d)
	}
	for i, f := range d {
		var want reflect.Kind
		switch f.Type {
		case "<u8":
			want = reflect.Uint64
		case "<i8":
			want = reflect.Int64
		case "<f8":
			want = reflect.Float64
		default:
			return fmt.Errorf("%w: type %q of field %q; use <u8, <i8 or <f8", ErrFormat, f.Type, f.Name)
		}
		if !validString(f.Name) {
			return fmt.Errorf("%w: field name %q; use letters, digits and _", ErrFormat, f.Name)
		}
		if got := row.Field(i); got.Type.Kind() != want {
			return fmt.Errorf("%w: field %s of %v has type %v where %s of the file is %s", ErrFormat, got.Name, row,
				got.Type, f.Name, f.Type)
		}
	}
	return nil
}
