package journal

import (
	"unsafe"

	"github.com/hftrunner/hftrunner/hft"
)

// Sizes of the bodies. The build fails below when one changes: that is another format.
const (
	instrumentBytes    = 16
	runBytes           = 16
	processBytes       = 56
	requestBytes       = 96
	refusalBytes       = 112
	sentBytes          = 88
	answerBytes        = 104
	holdingBytes       = 104
	orderStateBytes    = 184
	executionBytes     = 216
	venuePositionBytes = 24
	balanceBytes       = 32
	fundingBytes       = 40
	markBytes          = 128
	tradingStateBytes  = 8
	clockStepBytes     = 16
	lostBytes          = 24
	makerByte          = 77 // of an hft.Order
)

var (
	_ [0]struct{} = [unsafe.Sizeof(header{}) - headerBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Instrument{}) - instrumentBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Run{}) - runBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Process{}) - processBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Request{}) - requestBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Refusal{}) - refusalBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Sent{}) - sentBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Answer{}) - answerBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Holding{}) - holdingBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(OrderState{}) - orderStateBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Execution{}) - executionBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(VenuePosition{}) - venuePositionBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Balance{}) - balanceBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Funding{}) - fundingBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Mark{}) - markBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(TradingState{}) - tradingStateBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(ClockStep{}) - clockStepBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Lost{}) - lostBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(segmentHeader{}) - segmentHeaderBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(ringHeader{}) - ringHeaderBytes]struct{}{}

	_ [0]struct{} = [unsafe.Offsetof(hft.Order{}.Maker) - makerByte]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(Execution{}.Holding) - 80]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(Execution{}.Value) - 184]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(ringHeader{}.head) - 64]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(ringHeader{}.tail) - 128]struct{}{}
)

// headerAt returns the header at the beginning of b, which has room for one. A header may be at any address that the
// processors we build for can load words from.
func headerAt(b []byte) *header { return (*header)(unsafe.Pointer(&b[:headerBytes][0])) }

func segmentHeaderAt(b []byte) *segmentHeader {
	return (*segmentHeader)(unsafe.Pointer(&b[:segmentHeaderBytes][0]))
}

func ringHeaderAt(b []byte) *ringHeader {
	return (*ringHeader)(unsafe.Pointer(&b[:ringHeaderBytes][0]))
}

// bytesOf returns a body as it is in memory.
func bytesOf[B Body](b *B) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b)), unsafe.Sizeof(*b))
}

// As returns a record's body. What its writer did not have is zero; ok is false when it is another body than the record's kind has.
func As[B Body](r *Record) (b B, ok bool) {
	info, known := infoOf(r.Kind)
	if !known || info.size != int(unsafe.Sizeof(b)) {
		return b, false
	}
	copy(bytesOf(&b), r.body)
	return b, true
}

// soundOrder reports whether the order that a body begins with is one: a bool that is neither 0 nor 1 is none.
func soundOrder(body []byte) bool { return len(body) <= makerByte || body[makerByte] <= 1 }
