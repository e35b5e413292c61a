package dev.tenon.core.storage.directory;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;

/** Warnings about lasting conditions, which a listing meets every few seconds: each is logged once. */
final class ToldOnce {
    /** Warnings are kept in memory, up to this many. */
    private static final int MOST = 1000;

    private final Set<String> told = ConcurrentHashMap.newKeySet();

    void warn(Logger log, String sentence) {
        if (told.size() < MOST && told.add(sentence)) {
            log.warn("{}", sentence);
        }
    }
}
