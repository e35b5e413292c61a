package dev.tenon.it;

import static dev.tenon.it.support.ScratchStorage.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.map;

import dev.tenon.bridge.codec.Caller;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.proto.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What PVE asks a plugin class when it loads it, as www-data and before any daemon runs. */
class MetadataTest {
    @Test
    void thePluginDescribesItselfWhileNoDaemonRuns(Scratch scratch) {
        PerlCaller perl = PerlCaller.start(scratch);
        assertThat(perl.scalar("api").value()).isEqualTo(Installation.hostLevel());
        assertThat(perl.scalar("type").value()).isEqualTo("tenondir");
        assertThat(perl.scalar("properties").value()).isEqualTo(Map.of());
        assertThat(perl.scalar("options").value())
                .asInstanceOf(map(String.class, Object.class))
                .isNotEmpty();
        assertThat(perl.scalar("plugindata").value())
                .asInstanceOf(map(String.class, Object.class))
                .isNotEmpty();

        Map<String, Object> scfg = ScratchStorage.empty(scratch).section("tenondir");
        assertThat(perl.scalar("status", ID, scfg, Map.of()).died())
                .isEqualTo("status of dir, storage '" + ID + "': nobody answers at the socket '"
                        + DaemonProcess.socketIn(scratch) + "': No such file or directory; it was not started\n");
    }

    @Test
    void itAnswersLikeTheJavaStorageThatItStandsFor(Scratch scratch) {
        PerlCaller perl = PerlCaller.start(scratch);
        assertThat(perl.scalar("plugindata").value()).isEqualTo(ofJava("plugindata"));

        Map<String, Object> options = fields(ofJava("options"));
        assertThat(fields(perl.scalar("options").value())).isNotEmpty().allSatisfy((name, flags) -> {
            assertThat(options).containsEntry(name, flags);
        });
    }

    private static Object ofJava(String method) {
        return plain(StorageApi.callee(new DirPlugin()).call(method, Value.fields(), Caller.NONE));
    }

    private static Map<String, Object> fields(@Nullable Object value) {
        Map<String, Object> fields = new TreeMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, entry) -> fields.put(String.valueOf(key), entry));
        }
        return fields;
    }

    private static Object plain(Value value) {
        return switch (value) {
            case Value.Text(String text) -> text;
            case Value.Fields(Map<String, Value> entries) -> {
                Map<String, Object> map = new TreeMap<>();
                entries.forEach((key, entry) -> map.put(key, plain(entry)));
                yield map;
            }
            case Value.Seq(List<Value> items) -> {
                List<Object> list = new ArrayList<>();
                items.forEach(item -> list.add(plain(item)));
                yield list;
            }
            case Value other -> throw new AssertionError("no part of a tree: " + other);
        };
    }
}
