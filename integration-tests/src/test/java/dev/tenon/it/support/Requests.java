package dev.tenon.it.support;

import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters of calls as they are on the wire. */
public final class Requests {
    private Requests() {}

    /** A section of storage.cfg with these further properties, key and value in turn. */
    public static Fields section(Scratch scratch, String type, String... more) {
        Map<String, Value> section = new LinkedHashMap<>();
        section.put("type", Value.ofText(type));
        section.put("path", Value.ofText(scratch.storage().toString()));
        for (int i = 0; i < more.length; i += 2) {
            section.put(more[i], Value.ofText(more[i + 1]));
        }
        return new Fields(section);
    }

    /** What volume_size_info takes. */
    public static Map<String, Value> volume(Fields section, String volname) {
        return Map.of("scfg", section, "storeid", Value.ofText("nas"), "volname", Value.ofText(volname));
    }
}
