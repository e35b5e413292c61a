package dev.tenon.bridge.serve;

import static dev.tenon.bridge.codec.Codec.FLAG;
import static dev.tenon.bridge.codec.Codec.INTEGER;
import static dev.tenon.bridge.codec.Codec.TEXT;

import dev.tenon.bridge.codec.Codec;
import dev.tenon.bridge.serve.Overview.Crowd;
import dev.tenon.bridge.serve.Overview.Member;
import dev.tenon.bridge.serve.Overview.Plugin;
import dev.tenon.proto.Value;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** How an overview crosses. */
final class OverviewCodec {
    private static final Codec<Duration> MILLIS = INTEGER.as(Duration::toMillis, Duration::ofMillis);
    private static final Codec<Integer> COUNT = INTEGER.as(Integer::longValue, Math::toIntExact);

    private static final Codec<Member> PROCESS = Codec.of(
            process -> fields(Map.of(
                    "pid", INTEGER.write(process.pid()),
                    "what", TEXT.write(process.what()),
                    "since_ms", MILLIS.write(process.since()))),
            value -> new Member(
                    INTEGER.read(field(value, "pid")),
                    TEXT.read(field(value, "what")),
                    MILLIS.read(field(value, "since_ms"))));

    private static final Codec<Plugin> PLUGIN = Codec.of(
            plugin -> fields(Map.of(
                    "type", TEXT.write(plugin.type()),
                    "file", Value.ofText(plugin.file()),
                    "most", COUNT.write(plugin.most()),
                    "waiting", COUNT.write(plugin.waiting()),
                    "processes", PROCESS.list().write(plugin.processes()))),
            value -> new Plugin(
                    TEXT.read(field(value, "type")),
                    TEXT.read(field(value, "file")),
                    COUNT.read(field(value, "most")),
                    COUNT.read(field(value, "waiting")),
                    PROCESS.list().read(field(value, "processes"))));

    private static final Codec<Crowd> CROWD = Codec.of(
            crowd -> fields(Map.of(
                    "plugin", TEXT.write(crowd.plugin()),
                    "storage", TEXT.write(crowd.storage()),
                    "long", FLAG.write(crowd.areLong()),
                    "inside", COUNT.write(crowd.inside()),
                    "waiting", COUNT.write(crowd.waiting()),
                    "late", COUNT.write(crowd.late()),
                    "oldest_ms", MILLIS.write(crowd.oldest()))),
            value -> new Crowd(
                    TEXT.read(field(value, "plugin")),
                    TEXT.read(field(value, "storage")),
                    FLAG.read(field(value, "long")),
                    COUNT.read(field(value, "inside")),
                    COUNT.read(field(value, "waiting")),
                    COUNT.read(field(value, "late")),
                    MILLIS.read(field(value, "oldest_ms"))));

    static final Codec<Overview> OVERVIEW = Codec.of(OverviewCodec::write, OverviewCodec::read);

    private OverviewCodec() {}

    private static Value write(Overview overview) {
        Map<String, Value> entries = new HashMap<>(Map.of(
                "pid", INTEGER.write(overview.pid()),
                "uptime_ms", MILLIS.write(overview.uptime()),
                "plugins", PLUGIN.list().write(overview.plugins()),
                "storages", CROWD.list().write(overview.storages()),
                "before",
                        new Value.Seq(overview.before().stream()
                                .map(OverviewCodec::write)
                                .toList())));
        if (overview.draining() != null) {
            entries.put("draining_ms", MILLIS.write(overview.draining()));
        }
        return fields(entries);
    }

    private static Overview read(Value value) {
        // A daemon that came before may be of a release that did not tell all of this.
        return new Overview(
                INTEGER.read(field(value, "pid")),
                MILLIS.read(field(value, "uptime_ms")),
                PLUGIN.list().read(field(value, "plugins")),
                CROWD.list().read(field(value, "storages")),
                field(value, "draining_ms") instanceof Value.Int millis ? MILLIS.read(millis) : null,
                field(value, "before") instanceof Value.Seq(List<Value> items)
                        ? items.stream().map(OverviewCodec::read).toList()
                        : List.of());
    }

    private static Value fields(Map<String, Value> entries) {
        return new Value.Fields(entries);
    }

    private static Value field(Value value, String name) {
        return Objects.requireNonNullElse(Codec.fields(value).get(name), Value.Nil.NIL);
    }
}
