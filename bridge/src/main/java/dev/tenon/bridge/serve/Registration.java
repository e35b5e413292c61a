package dev.tenon.bridge.serve;

import java.util.List;
import java.util.Map;

/**
 * What a plugin declares to PVE, and what it hands to PVE when it is loaded. Values are Perl source, so that a number stays
 * a number and text stays text.
 *
 * @param pluginData what the plugin can hold
 * @param properties what it declares
 * @param options what a storage may or must have
 * @param shared the types that it calls the same on all nodes
 * @param formats by name, a pair of the schema, {@code undef} if there is none, and whether code of the plugin checks
 * @param standardOptions by name
 * @param holds what the plugin opens or starts while it is loaded, in words
 * @param functions by name, what others may import, whether it is exported without being asked for
 */
public record Registration(
        String pluginData,
        String properties,
        String options,
        List<String> shared,
        Map<String, String> formats,
        Map<String, String> standardOptions,
        List<String> holds,
        Map<String, String> functions) {
    public Registration {
        shared = List.copyOf(shared);
        formats = Map.copyOf(formats);
        standardOptions = Map.copyOf(standardOptions);
        holds = List.copyOf(holds);
        functions = Map.copyOf(functions);
    }
}
