package dev.tenon.bench;

import java.util.Map;
import java.util.Objects;

/** One line of the table: the same call to Tenon and to an echo, in turns. */
record Comparison(String what, Series tenon, Series echo) {
    /** Of two of the series that a program measured. */
    static Comparison of(String what, Map<String, Series> series, String tenon, String echo) {
        return new Comparison(
                what, Objects.requireNonNull(series.get(tenon)), Objects.requireNonNull(series.get(echo)));
    }
}
