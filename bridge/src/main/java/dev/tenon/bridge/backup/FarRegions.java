package dev.tenon.bridge.backup;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.codec.Functions;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.backup.DirtyRegions;
import dev.tenon.proto.Value;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a disk, which the far side sends many at a time: offsets and lengths by turns, and an empty list at the
 * end.
 */
final class FarRegions implements DirtyRegions {
    private static final int AT_ONCE = 512;

    private final Caller caller;
    private final long function;
    private final Deque<Region> told = new ArrayDeque<>();
    private boolean isOver;

    FarRegions(Caller caller, long function) {
        this.caller = caller;
        this.function = function;
    }

    /** The function by which the far side asks for the regions of this side. */
    static Functions.Function telling(DirtyRegions regions) {
        return args -> {
            List<Value> numbers = new ArrayList<>();
            while (numbers.size() < 2 * AT_ONCE) {
                Region region = regions.next();
                if (region == null) {
                    break;
                }
                numbers.add(new Value.Int(region.offset()));
                numbers.add(new Value.Int(region.length()));
            }
            return new Value.Seq(numbers);
        };
    }

    @Override
    public @Nullable Region next() {
        if (told.isEmpty() && !isOver) {
            ask();
        }
        return told.poll();
    }

    private void ask() {
        // If anything else were taken for the end, the archive would lack regions.
        Value answer = caller.run(function, List.of());
        if (!(answer instanceof Value.Seq(List<Value> numbers)) || numbers.size() % 2 != 0) {
            throw odd(answer.toString());
        }
        isOver = numbers.isEmpty();
        for (int i = 0; i < numbers.size(); i += 2) {
            long offset = number(numbers.get(i));
            long length = number(numbers.get(i + 1));
            if (length < 1 || offset > Long.MAX_VALUE - length) {
                throw odd("a region of " + length + " bytes at " + offset);
            }
            told.add(new Region(offset, length));
        }
    }

    /** Perl may send a number as text. */
    private static long number(Value value) {
        return switch (value) {
            case Value.Int(long number) when number >= 0 -> number;
            case Value.Text(String digits) when digits.matches("[0-9]{1,18}") -> Long.parseLong(digits);
            case Value other -> throw odd(other.toString());
        };
    }

    private static StorageException odd(String what) {
        return new StorageException(
                StorageError.BAD_PARAMETER, Outcome.FAILED_CLEAN, "the next dirty region cannot be " + what);
    }
}
