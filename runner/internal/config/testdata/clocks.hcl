connector "paper" "sim" {
}
connector "paper" "day" {
  speed = 3
  replay {
    format = "binancefuture"
    files  = { BTCUSDT = "gone.gz", ETHUSDT = "eth1.gz" }
    speed  = 0
  }
  synthetic {
  }
}
strategy "a" {
  plugin = "obimm"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  instrument "day" "BTCUSD" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
