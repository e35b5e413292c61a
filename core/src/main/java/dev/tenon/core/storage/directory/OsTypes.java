package dev.tenon.core.storage.directory;

import java.util.HashMap;
import java.util.Map;

/** The operating systems of CIM, by their number, in PVE's words. */
final class OsTypes {
    private static final String OTHER = "other";
    private static final Map<String, String> WORDS = new HashMap<>();

    static {
        put("winxp", 18);
        put("solaris", 29, 81);
        put("w2k", 58);
        put("wxp", 67, 71, 72, 75);
        put("w2k3", 69, 70);
        put("wvista", 73, 74);
        put("w2k8", 76, 77);
        put("l24", 97, 98);
        put("l26", 36, 79, 80, 82, 83, 84, 85, 87, 89, 90, 91, 92, 93, 94, 95, 96, 99, 100, 101, 106, 107, 108, 109);
        put("win7", 103, 105);
        put("win8", 111, 112, 113, 114, 115, 117, 118);
        put("win10", 116, 119, 120, 121);
        put("win11", 122, 123);
    }

    private OsTypes() {}

    private static void put(String word, int... numbers) {
        for (int number : numbers) {
            WORDS.put(Integer.toString(number), word);
        }
    }

    static String word(String number) {
        return WORDS.getOrDefault(number, OTHER);
    }
}
