package control

import (
	"time"

	"github.com/hftrunner/hftrunner/internal/control/internal/pb"
	"github.com/hftrunner/hftrunner/internal/settings"
	"github.com/hftrunner/hftrunner/ipc"
)

func descriptionFromProto(d *pb.Description) Description {
	out := Description{Name: d.GetName(), Version: d.GetVersion(), Doc: d.GetDoc()}
	for _, p := range d.GetParams() {
		s := settings.Setting{Name: p.GetName(), Type: settings.Type(p.GetType()), Doc: p.GetDoc(), Min: p.Min,
			Max: p.Max}
		if p.Default != nil {
			var err error
			if s.Default, err = settings.FromJSON(p.Default); err != nil || s.Default == nil {
				s.Default = string(p.Default) // no such plugin has been built; a default is only shown
			}
		}
		out.Params = append(out.Params, s)
	}
	return out
}

func configurationFromProto(c *pb.Configuration) Configuration {
	out := Configuration{
		StrategyName: c.GetStrategyName(), Params: c.GetParams(), Attachment: attachmentFromProto(c.GetAttachment()),
	}
	for _, b := range c.GetBooks() {
		out.Books = append(out.Books, Book{
			Depth: b.GetDepth(), ROILow: b.GetRoiLow(), ROIHigh: b.GetRoiHigh(), LastTrades: int(b.GetLastTrades()),
		})
	}
	return out
}

func attachmentFromProto(a *pb.Attachment) ipc.Attachment {
	out := ipc.Attachment{
		BotID: a.GetBotId(), ControlFD: int(a.GetControlFd()), Wait: ipc.WaitStrategy(a.GetWait()),
	}
	for _, c := range a.GetConnectors() {
		out.Connectors = append(out.Connectors, ipc.ConnectorAttachment{
			Name: c.GetName(), FeedFD: int(c.GetFeedFd()), PrivateFD: int(c.GetPrivateFd()),
		})
	}
	for _, i := range a.GetInstruments() {
		out.Instruments = append(out.Instruments, ipc.InstrumentAttachment{
			Instrument: ipc.Instrument{
				Connector: i.GetConnector(), Symbol: i.GetSymbol(), TickSize: i.GetTickSize(), LotSize: i.GetLotSize(),
			},
			FeedNo: int(i.GetFeedNo()),
		})
	}
	return out
}

func paramErrorsFromProto(errs []*pb.ParamError) ParamErrors {
	var out ParamErrors
	for _, e := range errs {
		out = append(out, ParamError{Name: e.GetName(), Problem: e.GetProblem()})
	}
	return out
}

func exitFromProto(e *pb.Exit) Exit { return Exit{Error: e.GetError(), EndOfData: e.GetEndOfData()} }

func backtestJobFromProto(j *pb.BacktestJob) BacktestJob {
	return BacktestJob{StrategyName: j.GetStrategyName(), Params: j.GetParams(), Spec: j.GetSpec()}
}

func backtestUpdateFromProto(u *pb.BacktestUpdate) BacktestUpdate {
	return BacktestUpdate{
		Progress: u.GetProgress(), Result: u.GetResult(), Records: u.GetRecords(), Orders: u.GetOrders(),
		Fills: u.GetFills(),
	}
}

func versionFromProto(v *pb.VersionInfo) VersionInfo {
	return VersionInfo{
		Version: v.GetVersion(), APIVersion: int(v.GetApiVersion()), PID: int(v.GetPid()), Config: v.GetConfig(),
		StartedAt: v.GetStartedAt().AsTime(),
	}
}

func statusFromProto(s *pb.StrategyStatus) StrategyStatus {
	out := StrategyStatus{
		Name: s.GetName(), Plugin: s.GetPlugin(), Version: s.GetVersion(), State: s.GetState(), Reason: s.GetReason(),
		PID: int(s.GetPid()), UptimeNs: s.GetUptimeNs(), Restarts: int(s.GetRestarts()), Events: s.GetEvents(),
		LostEvents: s.GetLostEvents(), Resyncs: s.GetResyncs(), Requests: s.GetRequests(), Orders: s.GetOrders(),
		Fills: s.GetFills(), Rejects: s.GetRejects(), TickToOrder: s.GetLastTickToOrderNs(),
		RestartGapNs: s.GetRestartGapNs(), OrdersLeft: int(s.GetOrdersLeft()),
	}
	for _, i := range s.GetInstruments() {
		out.Instruments = append(out.Instruments, InstrumentStatus{
			Connector: i.GetConnector(), Symbol: i.GetSymbol(), Position: i.GetPosition(), BestBid: i.GetBestBid(),
			BestAsk: i.GetBestAsk(), OpenOrders: int(i.GetOpenOrders()), Fee: i.GetFee(),
			TradingVolume: i.GetTradingVolume(), TradingValue: i.GetTradingValue(), RealisedPnL: i.GetRealisedPnl(),
			OpenPnL: i.GetOpenPnl(), Findings: i.GetFindings(), BadMessages: i.GetBadMessages(),
			TradingState: i.GetTradingState(), TradingReason: i.GetTradingReason(), Unattributed: i.GetUnattributed(),
			Mismatch: i.GetMismatch(),
		})
	}
	return out
}

func restartFromProto(r *pb.RestartResult) RestartResult {
	return RestartResult{
		Gap: time.Duration(r.GetGapNs()), OldPID: int(r.GetOldPid()), NewPID: int(r.GetNewPid()),
		Version: r.GetVersion(), StateLost: r.GetStateLost(),
	}
}

// errorDetailFromProto returns nil for a detail this build does not know.
func errorDetailFromProto(d *pb.ErrorDetail) error {
	switch e := d.GetError().(type) {
	case *pb.ErrorDetail_NotFound:
		return &NotFoundError{Name: e.NotFound.GetName(), Nearest: e.NotFound.GetNearest()}
	case *pb.ErrorDetail_Launch:
		return &LaunchError{
			Cause: LaunchCause(e.Launch.GetCause()), Path: e.Launch.GetPath(), Problem: e.Launch.GetProblem(),
			Fix: e.Launch.GetFix(),
		}
	case *pb.ErrorDetail_Params:
		var out ParamErrors
		for _, p := range e.Params.GetProblems() {
			out = append(out, ParamError{Name: p.GetName(), Problem: p.GetProblem()})
		}
		return out
	case *pb.ErrorDetail_OrdersLeft:
		out := &OrdersLeftError{Strategy: e.OrdersLeft.GetStrategy(), Unaccounted: e.OrdersLeft.GetUnaccounted()}
		for _, o := range e.OrdersLeft.GetOrders() {
			out.Orders = append(out.Orders, OpenOrder{Strategy: o.GetStrategy(), Connector: o.GetConnector(),
				Symbol: o.GetSymbol(), ClientID: o.GetClientId(), Side: o.GetSide(), Price: o.GetPrice(),
				OpenQty: o.GetOpenQty()})
		}
		return out
	}
	return nil
}
