package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.proto.Value.Fields;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MethodTableTest {
    /** The oldest level that plugins may be of. */
    static final int OLDEST = 9;

    private final MethodTable table = Api.named("storage-plugin").table();

    /** The parameters that no plugin is given, since they are between the two sides of Tenon. */
    private static final Set<String> FOR_TENON_ALONE = Set.of("log", "was_free");

    @Test
    void everyPositionNamesAParameterOfItsRow() {
        for (Method method : table.methods().values()) {
            List<String> names =
                    method.params().stream().map(Method.Param::name).toList();
            method.positions().forEach((level, positions) -> {
                assertThat(names).as("%s at level %d", method.name(), level).containsAll(plain(positions));
                assertThat(positions).doesNotHaveDuplicates();
            });
            assertThat(plain(method.positionsAt(table.newestLevel())))
                    .containsExactlyInAnyOrderElementsOf(names.stream()
                            .filter(name -> !FOR_TENON_ALONE.contains(name))
                            .toList());
            assertThat(method.positions().firstKey()).isBetween(1, OLDEST);
            assertThat(method.since()).isBetween(1, table.newestLevel());
            assertThat(method.deadline()).isPositive();
        }
    }

    /** PVE waits for these as long as they take. They are ended all the same, but not in the middle of work. */
    @Test
    void whatMayCopyAWholeImageHasADayAndWhatIsStreamedOrHoldsALockAWeek() {
        for (String name : List.of(
                "alloc_image",
                "clone_image",
                "create_base",
                "free_image",
                "volume_snapshot",
                "volume_snapshot_delete",
                "volume_snapshot_rollback")) {
            assertThat(table.method(name).deadline()).as(name).isEqualTo(Duration.ofDays(1));
        }
        for (String name : List.of("volume_export", "volume_import", "cluster_lock_storage")) {
            assertThat(table.method(name).deadline()).as(name).isEqualTo(Duration.ofDays(7));
        }
        for (String name : List.of("path", "status", "volume_size_info", "list_images")) {
            assertThat(table.method(name).deadline()).as(name).isLessThan(Duration.ofMinutes(1));
        }
    }

    /** Without the mark of a map that Perl passes flattened, as the last arguments. */
    private static List<String> plain(List<String> positions) {
        return positions.stream().map(name -> name.replace("%", "")).toList();
    }

    @Test
    void aMethodThatWentAwayIsInNoLaterLevel() {
        Method method = table.method("volume_snapshot_list");

        assertThat(method.isIn(9)).isTrue();
        assertThat(method.isIn(10)).isFalse();
        assertThat(table.method("volume_snapshot_info").isIn(9)).isFalse();
    }

    @Test
    void whatAPluginChangedInPlaceComesBackWithTheAnswer() {
        Method hook = table.method("on_add_hook");
        Fields changed = Value.fields("scfg", Value.fields("path", new Value.Text("/srv")));

        Value wire = hook.wrap(new Method.Answer(Value.Nil.NIL, changed));

        hook.checkResult(wire);
        assertThat(hook.unwrap(wire)).isEqualTo(new Method.Answer(Value.Nil.NIL, changed));
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> hook.checkResult(
                        hook.wrap(new Method.Answer(Value.Nil.NIL, Value.fields("storeid", new Value.Text("other"))))))
                .withMessage("on_add_hook: the parameter 'storeid' cannot be changed");
    }

    @Test
    void hintsOfActivateVolumeBeginWithLevel13() {
        Method method = table.method("activate_volume");

        assertThat(method.positionsAt(12)).containsExactly("storeid", "scfg", "volname", "snapname", "cache");
        assertThat(method.positionsAt(13)).containsExactly("storeid", "scfg", "volname", "snapname", "cache", "hints");
        assertThat(method.positionsAt(15)).isEqualTo(method.positionsAt(13));
    }

    @Test
    void refusesAMethodThatIsNotInTheTable() {
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> table.method("volume_teleport"))
                .withMessageStartingWith("the method 'volume_teleport' is in no API level from 9 to 16")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.UNKNOWN_METHOD));
    }

    @Test
    void refusesAMissingParameter() {
        Map<String, Value> params = alloc();
        params.remove("size");

        assertBad(params, "alloc_image: the parameter 'size' (kib) is missing");
    }

    @Test
    void refusesAMistypedParameter() {
        Map<String, Value> params = alloc();
        params.put("size", new Value.Text("4194304"));
        assertBad(params, "alloc_image: the parameter 'size' must be an integer 0 .. 2^53, got the text '4194304'");

        params.put("size", new Value.Int(-1));
        assertBad(params, "alloc_image: the parameter 'size' must be an integer 0 .. 2^53, got the integer -1");

        params.put("size", new Value.Real(1.5));
        assertBad(params, "alloc_image: the parameter 'size' must be an integer 0 .. 2^53, got the fraction 1.5");
    }

    @Test
    void refusesNilWhereAValueIsRequired() {
        Map<String, Value> params = alloc();
        params.put("vmid", Value.Nil.NIL);

        assertBad(params, "alloc_image: the parameter 'vmid' must be an integer 0 .. 999999999, got nil");
    }

    @Test
    void refusesAnUnknownParameterThatHoldsSomething() {
        Map<String, Value> params = alloc();
        params.put("encrypt", new Value.Text("yes"));

        assertBad(
                params,
                "alloc_image: the parameter 'encrypt' is unknown; known are [storeid, scfg, vmid, fmt, name, size]");
    }

    @Test
    void ignoresAnUnknownParameterThatIsNil() {
        Map<String, Value> params = alloc();
        params.put("encrypt", Value.Nil.NIL);

        table.method("alloc_image").checkParams(new Fields(params));
    }

    @Test
    void refusesAListWithAnElementOfAnotherType() {
        Map<String, Value> params = new LinkedHashMap<>();
        params.put("storeid", new Value.Text("nas"));
        params.put("scfg", Value.fields());
        params.put("vollist", new Value.Seq(List.of(new Value.Text("nas:a"), new Value.Int(1))));

        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> table.method("list_images").checkParams(new Fields(params)))
                .withMessage("list_images: the parameter 'vollist' must be a list, each element text, got a list");
    }

    @Test
    void refusesAnAnswerOfAnotherShape() {
        Method status = table.method("status");
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> status.checkResult(new Value.Text("fine")))
                .withMessage("status: the result must be a map, got text");

        Method list = table.method("list_images");
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() ->
                        list.checkResult(new Value.Seq(List.of(new Fields(Map.of("volid", new Value.Int(1)))))))
                .withMessage("list_images: image 0 of the result: 'volid' must be text, got the integer 1")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_RESULT));

        Method snapshot = table.method("volume_snapshot");
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> snapshot.checkResult(new Value.Bool(true)))
                .withMessage("volume_snapshot: has no result, got a boolean");
    }

    private void assertBad(Map<String, Value> params, String message) {
        assertThatExceptionOfType(ProtocolException.class)
                .isThrownBy(() -> table.method("alloc_image").checkParams(new Fields(params)))
                .withMessage(message)
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_PARAMETER));
    }

    private static Map<String, Value> alloc() {
        Map<String, Value> params = new LinkedHashMap<>();
        params.put("storeid", new Value.Text("nas"));
        params.put("scfg", new Fields(Map.of("path", new Value.Text("/srv"))));
        params.put("vmid", new Value.Int(100));
        params.put("fmt", new Value.Text("raw"));
        params.put("size", new Value.Int(1024));
        return params;
    }

    /** A host has no place for a parameter that only Tenon's sides know, and one for every other. */
    @Test
    void theParametersThatNoLevelPassesAreTenonsOwn() {
        for (Method method : table.methods().values()) {
            Set<String> passed = method.positions().values().stream()
                    .flatMap(List::stream)
                    .map(name -> name.replace("%", ""))
                    .collect(Collectors.toSet());
            for (Method.Param param : method.params()) {
                assertThat(param.isTenons())
                        .as("%s of %s", param.name(), method.name())
                        .isEqualTo(!passed.contains(param.name()));
            }
        }
    }
}
