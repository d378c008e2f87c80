package journal

import (
	"unsafe"

	"github.com/hftrunner/hftrunner/hft"
)

// Sizes of the bodies. The build fails below when one changes: that is another format.
const (
	instrumentBytes     = 16
	runBytes            = 16
	processBytes        = 56
	savedStateBytes     = 40
	requestBytes        = 96
	refusalBytes        = 112
	sentBytes           = 88
	answerBytes         = 104
	holdingBytes        = 112
	orderStateBytes     = 192
	executionBytes      = 232
	venuePositionBytes  = 24
	unattributedBytes   = 16
	mismatchBytes       = 24
	balanceBytes        = 32
	fundingBytes        = 152
	markBytes           = 136
	executionsReadBytes = 16
	tradingStateBytes   = 8
	clockStepBytes      = 16
	lostBytes           = 24
	makerByte           = 77 // of an hft.Order
)

var (
	_ [0]struct{} = [unsafe.Sizeof(header{}) - headerBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Instrument{}) - instrumentBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Run{}) - runBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Process{}) - processBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(SavedState{}) - savedStateBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Request{}) - requestBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Refusal{}) - refusalBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Sent{}) - sentBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Answer{}) - answerBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Holding{}) - holdingBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(OrderState{}) - orderStateBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Execution{}) - executionBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(VenuePosition{}) - venuePositionBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Unattributed{}) - unattributedBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Mismatch{}) - mismatchBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Balance{}) - balanceBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Funding{}) - fundingBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Mark{}) - markBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(ExecutionsRead{}) - executionsReadBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(TradingState{}) - tradingStateBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(ClockStep{}) - clockStepBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(Lost{}) - lostBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(segmentHeader{}) - segmentHeaderBytes]struct{}{}
	_ [0]struct{} = [unsafe.Sizeof(ringHeader{}) - ringHeaderBytes]struct{}{}

	_ [0]struct{} = [unsafe.Offsetof(hft.Order{}.Maker) - makerByte]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(Execution{}.Holding) - 80]struct{}{}
	_ [0]struct{} = [unsafe.Offsetof(Execution{}.Value) - 192]struct{}{}
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
	to, from := bytesOf(&b), r.body
	if at := fundingAt(r.Kind); r.Version < 2 && at >= 0 && len(from) > at && len(from) < len(to) {
		copy(to, from[:at])
		to, from = to[at+8:], from[at:]
	}
	copy(to, from)
	return b, true
}

// soundOrder reports whether the order that a body begins with is one: a bool that is neither 0 nor 1 is none.
func soundOrder(body []byte) bool { return len(body) <= makerByte || body[makerByte] <= 1 }
