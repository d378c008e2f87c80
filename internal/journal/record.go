package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
)

// Sizes of records. A record is a header, a body, texts, and zeros up to a multiple of 8 bytes.
const (
	headerBytes = 48
	checkedFrom = 4 // the checksum covers what comes behind it
	align       = 8
	// maxRecord bounds a record of the sequence. A checkpoint may be longer, up to maxCheckpoint.
	maxRecord     = 64 << 10
	maxCheckpoint = 1 << 30
)

// Head is a record without its body.
type Head struct {
	Kind Kind
	// TimeNs is the host's clock.
	TimeNs int64
	// Bot and Incarnation are the strategy and its process, Instrument the number that Writer.Instrument gave; 0 where it is about
	// none.
	Bot         uint64
	Incarnation uint32
	Instrument  uint32
}

// header is the beginning of a record.
type header struct {
	checksum    uint32 // of the journal's id and all behind this field
	length      uint32 // without the zeros at the end
	sequence    uint64
	timeNs      int64
	bot         uint64
	incarnation uint32
	instrument  uint32
	kind        uint16
	bodyBytes   uint16
	version     uint8 // of the body
	_           [3]uint8
}

// bodyVersion is written into records. It goes up when a body changes other than by fields at its end. Version 2 has
// funding in Holding.
const bodyVersion = 2

// fundingAt returns where a body of version 1 lacks the 8 bytes of funding, -1 for nowhere.
func fundingAt(k Kind) int {
	const inHolding = 48
	switch k {
	case KindOrder, KindExecution, KindReconciled:
		return 80 + inHolding
	case KindMark:
		return inHolding
	}
	return -1
}

// Record is one record as it was read. Body and texts are valid until the next call of the Reader.
type Record struct {
	Head
	Sequence uint64
	// Checksum covers the journal's id and the record: another record of the same sequence has another.
	Checksum uint32
	Version  uint8
	body     []byte
	texts    []byte
}

// Texts returns the record's texts, in the order that its Kind says.
func (r *Record) Texts() iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := r.texts; len(rest) >= 2; {
			n := int(binary.NativeEndian.Uint16(rest))
			if len(rest) < 2+n || !yield(string(rest[2:2+n])) {
				return
			}
			rest = rest[2+n:]
		}
	}
}

// Text returns text number n from 0, empty if there is none.
func (r *Record) Text(n int) string {
	for t := range r.Texts() {
		if n == 0 {
			return t
		}
		n--
	}
	return ""
}

// seedOf returns the checksum of a journal's id, from which those of its records go on.
func seedOf(id uint64) uint32 {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], id)
	return crc32.Checksum(b[:], castagnoli())
}

// castagnoli returns the table; the library makes it once, and the processor does the rest.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// checksumOf returns the checksum of a whole record, zeros at the end included.
func checksumOf(seed uint32, table *crc32.Table, record []byte) uint32 {
	return crc32.Update(seed, table, record[checkedFrom:])
}

func padded(n int) int { return (n + align - 1) &^ (align - 1) }

// outcome of parsing the beginning of some bytes.
type outcome uint8

const (
	valid      outcome = iota
	incomplete         // it may be a record of which the end is missing
	invalid
)

// parser reads records of one journal.
type parser struct {
	seed  uint32
	table *crc32.Table
}

func newParser(id uint64) parser { return parser{seed: seedOf(id), table: castagnoli()} }

// parse reads the record at the beginning of b into r, which refers to b, and returns the bytes it takes.
func (p *parser) parse(b []byte, r *Record) (int, outcome) {
	if len(b) < headerBytes {
		return 0, incomplete
	}
	h := headerAt(b)
	n := int(h.length)
	limit := maxRecord
	if Kind(h.kind) == KindCheckpoint {
		limit = maxCheckpoint
	}
	if n < headerBytes+int(h.bodyBytes) || n > limit {
		return 0, invalid
	}
	if len(b) < padded(n) {
		return padded(n), incomplete
	}
	if checksumOf(p.seed, p.table, b[:padded(n)]) != h.checksum {
		return 0, invalid
	}
	r.Head = Head{Kind: Kind(h.kind), TimeNs: h.timeNs, Bot: h.bot, Incarnation: h.incarnation, Instrument: h.instrument}
	r.Sequence, r.Version, r.Checksum = h.sequence, h.version, h.checksum
	r.body, r.texts = b[headerBytes:headerBytes+int(h.bodyBytes)], b[headerBytes+int(h.bodyBytes):n]
	if info, known := infoOf(r.Kind); known && info.order && !soundOrder(r.body) {
		return 0, invalid
	}
	return padded(n), valid
}

// next looks for the next valid record of a later sequence in b, and returns where it begins; -1 if there is none.
func (p *parser) next(b []byte, after uint64) int {
	var r Record
	for at := align; at+headerBytes <= len(b); at += align {
		if h := headerAt(b[at:]); h.sequence <= after || h.length < headerBytes || h.length > maxRecord || Kind(h.kind) == KindCheckpoint {
			continue
		}
		if _, o := p.parse(b[at:], &r); o == valid {
			return at
		}
	}
	return -1
}

// sizeOf returns how long a record is, without the zeros at the end.
func sizeOf(body int, texts []string) int {
	n := headerBytes + body
	for _, t := range texts {
		n += 2 + len(t)
	}
	return n
}

// put writes a record of n bytes to dst, which has padded(n). A checkpoint's text is too long for the length before it, and has none.
func (p *parser) put(dst []byte, n int, sequence uint64, h *Head, body []byte, texts []string) {
	*headerAt(dst) = header{length: uint32(n), sequence: sequence, timeNs: h.TimeNs, bot: h.Bot, incarnation: h.Incarnation,
		instrument: h.Instrument, kind: uint16(h.Kind), bodyBytes: uint16(len(body)), version: bodyVersion}
	at := headerBytes + copy(dst[headerBytes:], body)
	if h.Kind == KindCheckpoint {
		at += copy(dst[at:], texts[0])
	} else {
		for _, t := range texts {
			binary.NativeEndian.PutUint16(dst[at:], uint16(len(t)))
			at += 2 + copy(dst[at+2:], t)
		}
	}
	clear(dst[at:])
	headerAt(dst).checksum = checksumOf(p.seed, p.table, dst)
}

// maxTextBytes bounds one text: more is cut off.
const maxTextBytes = 8 << 10

// errorTooLong reports that a record has too much text.
func errorTooLong(k Kind, n int) error {
	return fmt.Errorf("journal: a record of kind %v has %d bytes, more than %d", k, n, maxRecord)
}
