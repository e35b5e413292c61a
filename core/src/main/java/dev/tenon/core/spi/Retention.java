package dev.tenon.core.spi;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which backups to keep (PVE's {@code $keep}).
 *
 * @param keep {@code keep-last}, {@code keep-hourly}, {@code keep-daily}, {@code keep-weekly}, {@code keep-monthly},
 *     {@code keep-yearly} to how many, or {@code keep-all} to 1; empty or all zero keeps all
 */
public record Retention(Map<String, Long> keep) {
    public Retention {
        keep = Collections.unmodifiableMap(new TreeMap<>(keep));
    }
}
