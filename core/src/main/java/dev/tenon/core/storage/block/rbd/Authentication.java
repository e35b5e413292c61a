package dev.tenon.core.storage.block.rbd;

import dev.tenon.core.command.ShortCommand;
import dev.tenon.core.spi.StorageException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How Ceph's clients call the option that says how they authenticate; the old word is going to be removed. */
enum Authentication {
    OLD("auth_supported"),
    NEW("auth_client_required");

    private static final Pattern VERSION = Pattern.compile("^ceph version (\\d{1,6})\\.(\\d{1,6})\\.(\\d{1,6})");

    /** The first version for which PVE uses the new word, since its 9.1.10. */
    private static final List<Integer> FIRST_NEW = List.of(19, 2, 6);

    private static final Map<RbdHost, Authentication> KNOWN = new ConcurrentHashMap<>();

    private final String word;

    Authentication(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }

    /** The one of the installed version, which is asked once; the old one if there is none. */
    static Authentication of(RbdHost host) {
        Authentication known = KNOWN.get(host);
        if (known != null) {
            return known;
        }
        try {
            Authentication told =
                    ofVersion(new ShortCommand(List.of(host.program("rbd"), "--version"), Map.of(), host.read())
                            .run()
                            .output());
            KNOWN.put(host, told);
            return told;
        } catch (StorageException e) {
            return OLD;
        }
    }

    static Authentication ofVersion(String text) {
        Matcher version = VERSION.matcher(text);
        if (!version.find()) {
            return OLD;
        }
        for (int i = 0; i < FIRST_NEW.size(); i++) {
            int difference = Integer.compare(Integer.parseInt(version.group(i + 1)), FIRST_NEW.get(i));
            if (difference != 0) {
                return difference > 0 ? NEW : OLD;
            }
        }
        return NEW;
    }
}
