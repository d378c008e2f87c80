package venuecheck

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hftrunner/hftrunner/connector"
	"github.com/hftrunner/hftrunner/connector/internal/clocksync"
	"github.com/hftrunner/hftrunner/connector/protocol"
)

// Preflight asks for what would keep every strategy on a connector from trading: what the key may do, and the modes of
// the account and of symbols. The error is connector.Unfit, or says why there was no answer. What a venue does not tell
// is passed over.
func Preflight(ctx context.Context, p protocol.Protocol, symbols []string) error {
	findings, err := p.Permissions(ctx)
	if protocol.CauseOf(err) == protocol.ClockOff {
		if err = setClock(ctx, p); err == nil {
			findings, err = p.Permissions(ctx)
		}
	}
	var wrong []string
	for i := range findings {
		if f := &findings[i]; f.Problem != "" && !f.Minor {
			wrong = append(wrong, f.What+": "+f.Problem+": "+f.Advice)
		}
	}
	if protocol.CauseOf(err) == protocol.Key {
		wrong = append(wrong, "key: "+err.Error()+": "+advice(err))
	}
	switch {
	case len(wrong) > 0:
		return connector.Unfit(strings.Join(wrong, "; "))
	case err != nil && !answered(err):
		return err
	}
	positions, err := p.Positions(ctx, symbols)
	if err != nil && !errors.Is(err, protocol.ErrUnsupported) && !answered(err) {
		return err
	}
	for i := range positions {
		if hedge := protocol.HedgeMode(""); errors.As(positions[i].Err, &hedge) {
			return connector.Unfit(hedge.Error())
		}
	}
	return nil
}

// answered reports whether an error is what the venue has answered, such as that it does not have the question.
func answered(err error) bool {
	var f *protocol.Failure
	return protocol.Final(err) || errors.As(err, &f) && f.Cause == protocol.Unknown && f.Code != 0
}

// setClock lets requests be signed with the venue's time.
func setClock(ctx context.Context, p protocol.Protocol) error {
	const samples = 3
	sync, err := clocksync.New(clocksync.Config{ServerTimeNs: p.ServerTimeNs, NowNs: p.NowNs, Samples: samples})
	if err != nil {
		return err
	}
	e, err := sync.Measure(ctx)
	if err == nil {
		p.SetClockOffset(time.Duration(e.OffsetAtNs(p.NowNs())))
	}
	return err
}
