connector "paper" "day" {
  replay {
  }
}
strategy "a" {
}
strategy "b" {
  plugin = "gridtrading"
  instrument "day" "BTCUSDT" {
  }
}
strategy "c" {
  plugin = "gridtrading"
  instrument "day" "BTCUSDT" {
    tick_size = 0.1
    lot_size  = 0.001
  }
  params {
    grid_num = 3
  }
}
