package control

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
	"github.com/hftrunner/hftrunner/ipc"
)

func descriptionToProto(d Description) *pb.Description {
	out := &pb.Description{Name: d.Name, Version: d.Version, Doc: validText(d.Doc)}
	for i := range d.Params {
		p := &d.Params[i]
		out.Params = append(out.Params, &pb.Param{
			Name: p.Name, Type: string(p.Type), Doc: validText(p.Doc), Default: p.DefaultJSON(), Min: p.Min, Max: p.Max,
		})
	}
	return out
}

func configurationToProto(c Configuration) *pb.Configuration {
	out := &pb.Configuration{
		StrategyName: c.StrategyName, Params: c.Params, Attachment: attachmentToProto(c.Attachment),
	}
	for _, b := range c.Books {
		out.Books = append(out.Books, &pb.Book{
			Depth: b.Depth, RoiLow: b.ROILow, RoiHigh: b.ROIHigh, LastTrades: int32(b.LastTrades),
		})
	}
	return out
}

func attachmentToProto(a ipc.Attachment) *pb.Attachment {
	out := &pb.Attachment{BotId: a.BotID, ControlFd: int32(a.ControlFD), Wait: uint32(a.Wait)}
	for _, c := range a.Connectors {
		out.Connectors = append(out.Connectors, &pb.ConnectorAttachment{
			Name: c.Name, FeedFd: int32(c.FeedFD), PrivateFd: int32(c.PrivateFD),
		})
	}
	for _, i := range a.Instruments {
		out.Instruments = append(out.Instruments, &pb.InstrumentAttachment{
			Connector: i.Connector, Symbol: i.Symbol, TickSize: i.TickSize, LotSize: i.LotSize,
			FeedNo: int32(i.FeedNo),
		})
	}
	return out
}

func paramErrorsToProto(errs ParamErrors) []*pb.ParamError {
	var out []*pb.ParamError
	for _, e := range errs {
		out = append(out, &pb.ParamError{Name: validText(e.Name), Problem: validText(e.Problem)})
	}
	return out
}

func exitToProto(e Exit) *pb.Exit { return &pb.Exit{Error: validText(e.Error), EndOfData: e.EndOfData} }

func backtestJobToProto(j BacktestJob) *pb.BacktestJob {
	return &pb.BacktestJob{StrategyName: j.StrategyName, Params: j.Params, Spec: j.Spec}
}

func backtestUpdateToProto(u BacktestUpdate) *pb.BacktestUpdate {
	return &pb.BacktestUpdate{Progress: u.Progress, Result: u.Result, Records: u.Records, Orders: u.Orders,
		Fills: u.Fills}
}

// validText makes free text fit for a protobuf string, which has to be UTF-8: an error or a panic value need not be.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func versionToProto(v VersionInfo) *pb.VersionInfo {
	return &pb.VersionInfo{
		Version: v.Version, ApiVersion: int32(v.APIVersion), Pid: int64(v.PID), Config: v.Config,
		StartedAt: timestamppb.New(v.StartedAt),
	}
}

func statusToProto(s StrategyStatus) *pb.StrategyStatus {
	out := &pb.StrategyStatus{
		Name: s.Name, Plugin: s.Plugin, Version: s.Version, State: s.State, Reason: validText(s.Reason),
		Pid:      int64(s.PID),
		UptimeNs: s.UptimeNs, Restarts: int64(s.Restarts), Events: s.Events, LostEvents: s.LostEvents,
		Resyncs: s.Resyncs, Requests: s.Requests, Orders: s.Orders, Fills: s.Fills, Rejects: s.Rejects,
		LastTickToOrderNs: s.TickToOrder, RestartGapNs: s.RestartGapNs, OrdersLeft: int64(s.OrdersLeft),
	}
	for _, i := range s.Instruments {
		out.Instruments = append(out.Instruments, &pb.InstrumentStatus{
			Connector: i.Connector, Symbol: i.Symbol, Position: i.Position, BestBid: i.BestBid, BestAsk: i.BestAsk,
			OpenOrders: int64(i.OpenOrders), Fee: i.Fee, TradingVolume: i.TradingVolume, TradingValue: i.TradingValue,
			RealisedPnl: i.RealisedPnL, OpenPnl: i.OpenPnL, Findings: i.Findings, BadMessages: i.BadMessages,
			TradingState: i.TradingState, TradingReason: validText(i.TradingReason), Unattributed: i.Unattributed,
			Mismatch: i.Mismatch,
		})
	}
	return out
}

func restartToProto(r RestartResult) *pb.RestartResult {
	return &pb.RestartResult{
		GapNs: int64(r.Gap), OldPid: int64(r.OldPID), NewPid: int64(r.NewPID), Version: r.Version,
		StateLost: validText(r.StateLost),
	}
}

// errorDetailToProto returns nil for an error of no type that the command line tells apart.
func errorDetailToProto(err error) *pb.ErrorDetail {
	var notFound *NotFoundError
	var launch *LaunchError
	var params ParamErrors
	var left *OrdersLeftError
	switch {
	case errors.As(err, &left):
		out := &pb.OrdersLeft{Strategy: left.Strategy}
		for _, at := range left.Unaccounted {
			out.Unaccounted = append(out.Unaccounted, validText(at))
		}
		for _, o := range left.Orders[:min(len(left.Orders), maxOrdersSent)] {
			out.Orders = append(out.Orders, &pb.OpenOrder{Strategy: o.Strategy, Connector: o.Connector,
				Symbol: validText(o.Symbol), ClientId: validText(o.ClientID), Side: o.Side, Price: o.Price,
				OpenQty: o.OpenQty})
		}
		return &pb.ErrorDetail{Error: &pb.ErrorDetail_OrdersLeft{OrdersLeft: out}}
	case errors.As(err, &notFound):
		return &pb.ErrorDetail{Error: &pb.ErrorDetail_NotFound{NotFound: &pb.NotFound{
			Name: validText(notFound.Name), Nearest: validText(notFound.Nearest),
		}}}
	case errors.As(err, &params):
		out := &pb.Params{}
		for _, e := range params {
			out.Problems = append(out.Problems, &pb.Problem{Name: validText(e.Name), Problem: validText(e.Problem)})
		}
		return &pb.ErrorDetail{Error: &pb.ErrorDetail_Params{Params: out}}
	case errors.As(err, &launch):
		return &pb.ErrorDetail{Error: &pb.ErrorDetail_Launch{Launch: &pb.Launch{
			Cause: string(launch.Cause), Path: validText(launch.Path), Problem: validText(launch.Problem),
			Fix: validText(launch.Fix),
		}}}
	}
	return nil
}
