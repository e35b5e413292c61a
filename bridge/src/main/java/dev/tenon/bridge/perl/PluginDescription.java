package dev.tenon.bridge.perl;

import dev.tenon.bridge.storage.Dialect;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.List;
import java.util.Set;

/**
 * What a sidecar says about its plugin.
 *
 * @param packageName the Perl package
 * @param type the storage type
 * @param level the API version that the plugin declares
 * @param overrides the methods that it implements itself, the others it inherits
 * @param isShared whether its type is among those that PVE takes for the same on all nodes
 * @param pve whose PVE modules it uses: {@code compat}, or the path of PVE's own base class
 */
public record PluginDescription(
        String packageName, String type, int level, List<String> overrides, boolean isShared, String pve) {
    public PluginDescription {
        overrides = List.copyOf(overrides);
    }

    Dialect dialect() {
        return new Dialect(level, Set.copyOf(overrides));
    }

    /** Reads it from a hello; what the hello does not say is unknown. */
    static PluginDescription of(Fields hello) {
        Fields fields = hello.get("plugin") instanceof Fields told ? told : Value.fields();
        return new PluginDescription(
                text(fields, "package"),
                text(fields, "type"),
                fields.get("level") instanceof Value.Int(long level) ? (int) level : 0,
                fields.get("overrides") instanceof Value.Seq(List<Value> names)
                        ? names.stream()
                                .filter(name -> name instanceof Value.Text)
                                .map(name -> ((Value.Text) name).value())
                                .toList()
                        : List.of(),
                text(fields, "shared").equals("yes"),
                text(fields, "pve"));
    }

    private static String text(Fields fields, String key) {
        return fields.get(key) instanceof Value.Text(String text) ? text : "unknown";
    }
}
