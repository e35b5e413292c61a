package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a level is, never changes: plugins of that level exist. Each is written down in a file, and what the table says of
 * it must be the same for ever.
 */
class FrozenLevelsTest {
    private static final MethodTable TABLE = Api.named("storage-plugin").table();
    private static final Path LEVELS = Path.of("src", "test", "resources", "levels");

    static IntStream levels() {
        return IntStream.rangeClosed(MethodTableTest.OLDEST, TABLE.newestLevel());
    }

    @ParameterizedTest
    @MethodSource("levels")
    void aLevelStaysWhatItWas(int level) throws IOException {
        Path frozen = LEVELS.resolve("level-%02d.txt".formatted(level));
        String now = TABLE.methods().values().stream()
                .filter(method -> method.isIn(level))
                .map(method -> line(method, level))
                .sorted()
                .collect(Collectors.joining("\n", "", "\n"));
        if (!Files.exists(frozen)) {
            if (!Boolean.getBoolean("tenon.update")) {
                fail(
                        "level %d is new and not frozen yet; run 'mvn -pl proto test -Dtenon.update=true' and commit %s",
                        level, frozen);
            }
            Files.createDirectories(LEVELS);
            Files.writeString(frozen, now);
        }
        assertThat(now)
                .as(
                        "API level %d is frozen: plugins of that level exist and cannot change. Give what is new an entry of"
                                + " its own in 'positions' (or a 'since') with the level that brings it; if the old data was"
                                + " wrong, prove it by PVE's release of that level and correct %s by hand",
                        level, frozen)
                .isEqualTo(Files.readString(frozen));
    }

    private static String line(Method method, int level) {
        String params = method.positionsAt(level).stream()
                .map(position -> position + ": " + shown(type(method, position)))
                .collect(Collectors.joining(", "));
        return "%s(%s) in %s context: %s"
                .formatted(method.name(), params, method.perlContext(), result(method.result()));
    }

    /** Whether a text is characters or octets concerns how it crosses; a plugin of any level sees a string. */
    private static String shown(Type type) {
        return type.toString().replaceFirst("^chars", "str");
    }

    private static Type type(Method method, String position) {
        String name = position.startsWith("%") ? position.substring(1) : position;
        return method.params().stream()
                .filter(param -> param.name().equals(name))
                .findFirst()
                .orElseThrow()
                .type();
    }

    private static String result(Method.Result result) {
        return switch (result) {
            case Method.Result.None() -> "nothing";
            case Method.Result.Single(Type type) -> shown(type);
            case Method.Result.Tuple(List<Method.Param> fields, String ignored) -> "(" + names(fields) + ")";
            case Method.Result.Records(String ignored, List<Method.Param> fields, boolean ignoredToo) ->
                "[ {" + names(fields) + "} ]";
        };
    }

    private static String names(List<Method.Param> fields) {
        return fields.stream().map(Method.Param::name).collect(Collectors.joining(", "));
    }
}
