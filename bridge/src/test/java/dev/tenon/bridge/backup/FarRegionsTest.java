package dev.tenon.bridge.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.core.linux.Descriptor;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.backup.DirtyRegions.Region;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Seq;
import dev.tenon.proto.Value.Text;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FarRegionsTest {
    /** One whose function gives these answers, one after the other. */
    private static FarRegions answering(Value... answers) {
        Deque<Value> left = new ArrayDeque<>(List.of(answers));
        return new FarRegions(
                new Caller() {
                    @Override
                    public Value run(long function, List<Value> args) {
                        return left.remove();
                    }

                    @Override
                    public String keep(Cleanup cleanup) {
                        throw new AssertionError();
                    }

                    @Override
                    public Descriptor descriptor(String token) {
                        throw new AssertionError();
                    }

                    @Override
                    public void whenGone(Consumer<String> action) {}
                },
                1);
    }

    private static Seq list(Value... items) {
        return new Seq(List.of(items));
    }

    @Test
    void manyAreToldAtOnceUntilTheListIsEmpty() {
        FarRegions regions = answering(
                list(new Int(0), new Int(512), new Text("4096"), new Text("1")),
                list(new Int(8192), new Int(2)),
                list());

        assertThat(Stream.generate(regions::next).takeWhile(region -> region != null))
                .containsExactly(new Region(0, 512), new Region(4096, 1), new Region(8192, 2));
        assertThat(regions.next()).as("it is not asked again").isNull();
    }

    private static Stream<Value> nonsense() {
        return Stream.of(
                Value.Nil.NIL,
                new Int(7),
                list(new Int(0)),
                list(new Int(0), new Int(512), new Int(1024)),
                list(new Int(0), new Int(0)),
                list(new Int(-1), new Int(512)),
                list(new Text("1e3"), new Int(512)),
                list(new Int(Long.MAX_VALUE), new Int(512)));
    }

    /** An incremental backup that ended early would count as one that succeeded. */
    @ParameterizedTest
    @MethodSource("nonsense")
    void nonsenseIsNotTakenForTheEnd(Value answer) {
        assertThatThrownBy(() -> answering(answer).next())
                .isInstanceOf(StorageException.class)
                .hasMessageStartingWith("the next dirty region cannot be ");
    }
}
