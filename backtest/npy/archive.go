package npy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zip"
)

const (
	// dataMember is the member of an archive that holds market data or latencies: numpy.savez(path, data=rows).
	dataMember = "data.npy"
	// inflateBuffer is how much of an archive is read at a time.
	inflateBuffer = 256 << 10
)

// openMember opens a member of the archive in size bytes of src and returns its uncompressed size. There is nothing to
// close but src.
func openMember(src io.ReaderAt, size int64, member string) (io.Reader, int64, error) {
	if size == 0 {
		return nil, 0, fmt.Errorf("%w: it is empty; fetch or convert the data again", ErrTruncated)
	}
	// The section answers offsets outside of the file, which a damaged directory may have, with io.EOF.
	archive, err := zip.NewReader(io.NewSectionReader(src, 0, size), size)
	if errors.Is(err, zip.ErrFormat) {
		return nil, 0, foreignArchive(src, err)
	}
	if err != nil {
		return nil, 0, archiveError(err)
	}
	archive.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser {
		return flate.NewReader(bufio.NewReaderSize(r, inflateBuffer))
	})
	for _, f := range archive.File {
		if f.Name != member {
			continue
		}
		if !plausible(f) {
			return nil, 0, fmt.Errorf("%w: %d bytes cannot be the %d bytes that the archive's directory claims; fetch or convert the data again",
				ErrCorrupt, f.CompressedSize64, f.UncompressedSize64)
		}
		opened, err := f.Open()
		if errors.Is(err, zip.ErrAlgorithm) {
			return nil, 0,
				fmt.Errorf("%w: it is compressed by method %d; save it with numpy.savez or numpy.savez_compressed",
					ErrFormat, f.Method)
		}
		if err != nil {
			return nil, 0, archiveError(err)
		}
		return opened, int64(f.UncompressedSize64), nil
	}
	return nil, 0, fmt.Errorf("%w: the archive has %s only; save the rows under the name %q",
		ErrFormat, memberNames(archive.File), strings.TrimSuffix(member, ".npy"))
}

// plausible reports whether a member's two sizes can belong together, so that nobody makes room for rows that a damaged
// directory claims.
func plausible(f *zip.File) bool {
	const bestRatio = 1032 // of deflate: a match of 258 bytes takes at least two bits
	switch f.Method {
	case zip.Store:
		return f.UncompressedSize64 == f.CompressedSize64
	case zip.Deflate:
		return f.CompressedSize64 < 1<<48 && f.UncompressedSize64 <= bestRatio*f.CompressedSize64
	}
	return true // Open refuses other methods
}

// foreignArchive says what a file is in which no directory of an archive was found: cut off, or something else.
func foreignArchive(src io.ReaderAt, cause error) error {
	var start [len(magic)]byte
	n, _ := src.ReadAt(start[:], 0) // what could not be read is not recognised
	switch got := string(start[:n]); {
	case strings.HasPrefix(got, "PK"):
		return fmt.Errorf("%w: the archive's directory, which is at its end, is missing or corrupt (%w); fetch or convert the data again",
			ErrTruncated, cause)
	case got == magic:
		return fmt.Errorf("%w: it is a plain array; name it .npy", ErrFormat)
	}
	return fmt.Errorf("%w: it is not a zip archive; save it with numpy.savez_compressed", ErrFormat)
}

// memberNames lists the first members of an archive.
func memberNames(files []*zip.File) string {
	const most = 8
	var names []string
	for _, f := range files[:min(len(files), most)] {
		names = append(names, fmt.Sprintf("%q", f.Name))
	}
	if len(files) > most {
		names = append(names, fmt.Sprintf("%d more", len(files)-most))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// archiveError gives an error of reading an archive its cause.
func archiveError(err error) error {
	var badInput flate.CorruptInputError
	switch {
	case err == nil, errors.Is(err, ErrFormat), errors.Is(err, ErrTruncated), errors.Is(err, ErrCorrupt):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF): // the directory at the end was there
		return fmt.Errorf("%w: the archive's rows end too early (%w); fetch or convert the data again", ErrCorrupt, err)
	case errors.Is(err, zip.ErrChecksum):
		return fmt.Errorf("%w: the checksum over the rows is wrong (%w); fetch or convert the data again", ErrCorrupt,
			err)
	case errors.Is(err, zip.ErrFormat), errors.As(err, &badInput):
		return fmt.Errorf("%w: the archive is corrupt (%w); fetch or convert the data again", ErrCorrupt, err)
	}
	return err
}
