//go:build entry

#include "textflag.h"
#include "entry.h"

// func entry()
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	MOV $172, A7 // getpid
	ECALL
	MOV notify, A1
	BNE A0, A1, runtime
	MOVW A1, FLAGS(1, 24) // SIGHUP
	MOVW A1, FLAGS(2, 24) // SIGINT
	MOVW A1, FLAGS(3, 24) // SIGQUIT
	MOVW A1, FLAGS(6, 24) // SIGABRT
	MOVW A1, FLAGS(15, 24) // SIGTERM
	MOVW A1, FLAGS(16, 24) // SIGSTKFLT
	MOVW A1, FLAGS(31, 24) // SIGSYS

runtime:
	JMP _rt0_riscv64_linux(SB)
