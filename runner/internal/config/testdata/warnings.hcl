connector "paper" "sim" {
  exchange {
    queue   = "log_prob"
    queue_n = 2
  }
}
connector "paper" "unused" {
}
strategy "a" {
  plugin   = "obimm"
  position = "account"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
    roi_low   = 1
  }
}
strategy "b" {
  plugin   = "obimm"
  position = "account"
  instrument "sim" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
}
