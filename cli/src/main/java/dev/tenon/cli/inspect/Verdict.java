package dev.tenon.cli.inspect;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a host says to a plugin.
 *
 * @param reason words that continue a sentence about the plugin, null if it simply loads
 */
record Verdict(String verdict, @Nullable String reason) {
    static final String REJECTED = "rejected";

    static Verdict rejected(String reason) {
        return new Verdict(REJECTED, reason);
    }

    /** Whether the host's level is newer than this release, so that its verdict is unknown. */
    boolean isUnknown() {
        return verdict.equals("unknown");
    }

    boolean isRejected() {
        return verdict.equals(REJECTED);
    }

    Map<String, @Nullable Object> toJson() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("verdict", verdict);
        json.put("reason", reason);
        return json;
    }
}
