#include "textflag.h"

// func spinHint(n uint32)
TEXT ·spinHint(SB), NOSPLIT, $0-4
	MOVWU n+0(FP), R0
again:
	YIELD
	SUBW $1, R0
	CBNZW R0, again
	RET
