package dev.tenon.core.storage.directory;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;

/** Warnings of what stays as it is, which a listing meets every few seconds: each is logged once. */
final class ToldOnce {
    /** What is told is kept in memory; who has more of them has been told enough. */
    private static final int MOST = 1000;

    private final Set<String> told = ConcurrentHashMap.newKeySet();

    void warn(Logger log, String sentence) {
        if (told.size() < MOST && told.add(sentence)) {
            log.warn("{}", sentence);
        }
    }
}
