-- A setting on a function is put on and taken off with each call, 20 µs a time. JIT compilation, which this one kept away,
-- begins with plans a thousand times as costly as those of a turn.
ALTER FUNCTION reserve_turn RESET jit;
--> statement-breakpoint
ALTER FUNCTION settle_turn RESET jit;
