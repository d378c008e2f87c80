package backtest

// CountPartials makes an asset's local side count partial executions in mode sim.Hftbacktest too, as the third oracle of
// the reference results does.
func CountPartials(a *AssetBuilder, on bool) { a.countPartials = on }
