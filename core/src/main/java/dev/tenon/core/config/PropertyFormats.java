package dev.tenon.core.config;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The formats that schemas name. One that is not among them is a plugin's own and is left to it. */
final class PropertyFormats {
    private static final Pattern CONTENT_DIR = Pattern.compile("([a-z]+)=(.+)", Pattern.DOTALL);
    private static final int LONGEST_CONTENT_DIR = 1022;
    private static final int LONGEST_NAME = 254;
    private static final Pattern BLOCK_SIZE = Pattern.compile("([1-9][0-9]*)([km])?", Pattern.CASE_INSENSITIVE);
    private static final BigInteger KIB = BigInteger.valueOf(1024);
    private static final BigInteger SMALLEST_BLOCK = BigInteger.valueOf(512);
    private static final BigInteger LARGEST_BLOCK = BigInteger.valueOf(16L * 1024 * 1024);

    private static final String OCTET = "(?:25[0-5]|(?:2[0-4]|1[0-9]|[1-9])?[0-9])";
    private static final String IPV4 = "(?:" + OCTET + "\\.){3}" + OCTET;
    private static final Pattern IPV4_ADDRESS = Pattern.compile(IPV4);
    private static final Pattern GROUP = Pattern.compile("[0-9a-fA-F]{1,4}");
    private static final int GROUPS = 8;
    private static final String LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9\\-]*[a-zA-Z0-9])?";
    private static final Pattern DNS_NAME = Pattern.compile("(?:" + LABEL + "\\.)*" + LABEL);
    private static final Pattern NAME_AND_PORT = Pattern.compile("(?:" + IPV4 + "|[A-Za-z0-9\\-.]+)(?::[0-9]+)?");
    private static final Pattern BRACKETS_AND_PORT = Pattern.compile("\\[([^\\]]*)](?::[0-9]+)?");
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9\\-.]+");
    private static final Pattern ADDRESS_AND_PORT = Pattern.compile("([0-9a-fA-F:.]*?)(?:\\.[0-9]+)?");

    private static final Map<String, Consumer<String>> FORMATS = formats();
    private static final Map<String, Map<String, Map<String, String>>> PROPERTY_STRINGS =
            Map.of("prune-backups", retention(), "bwlimit", bwlimit());

    private PropertyFormats() {}

    private static Map<String, Consumer<String>> formats() {
        Map<String, Consumer<String>> formats = new HashMap<>();
        formats.put("string", value -> {});
        formats.put("urlencoded", matching("[-%a-zA-Z0-9_.!~*'()]*", "invalid urlencoded string"));
        formats.put("pve-configid", matching("[a-zA-Z][a-zA-Z0-9_-]+", "invalid configuration ID"));
        formats.put("pve-vmid", matching("[1-9][0-9]{2,8}", "value does not look like a valid VM ID:"));
        formats.put("pve-node", matching(LABEL, "value does not look like a valid node name:"));
        formats.put("pve-storage-id", PropertyFormats::storageId);
        formats.put("pve-storage-path", PropertyFormats::path);
        formats.put("pve-storage-server", PropertyFormats::server);
        formats.put(
                "pve-storage-vgname",
                matching("[a-zA-Z0-9][a-zA-Z0-9\\-_.]*[a-zA-Z0-9]", "lvm name contains illegal characters:"));
        formats.put("pve-storage-portal-dns", PropertyFormats::portal);
        formats.put("pve-storage-content", PropertyFormats::content);
        formats.put("pve-storage-format", matching("raw|qcow2|vmdk|subvol", "invalid format"));
        formats.put("pve-storage-options", matching("\\S+", "invalid options"));
        formats.put("pve-volume-id", matching("[a-zA-Z][a-zA-Z0-9\\-_.]*[a-zA-Z0-9]:.+", "unable to parse volume ID"));
        formats.put("pve-dir-override", PropertyFormats::contentDir);
        formats.put("pve-storage-zfs-blocksize", PropertyFormats::blockSize);
        formats.put("ipv4", matching(IPV4, "value does not look like a valid IPv4 address:"));
        formats.put(
                "ipv6", value -> refuseUnless(isIpv6(value), "value does not look like a valid IPv6 address:", value));
        formats.put("ip", value -> refuseUnless(isIp(value), "value does not look like a valid IP address:", value));
        formats.put(
                "dns-name",
                value -> refuseUnless(isDnsName(value), "value does not look like a valid DNS name:", value));
        formats.put(
                "address", value -> refuseUnless(isHost(value), "value does not look like a valid address:", value));
        return formats;
    }

    /**
     * Checks a value against a format, or against the format of a list's items ({@code -list}), or unless it is empty
     * ({@code -opt}).
     *
     * @throws BadValueException with what is wrong
     */
    static void check(String format, String value) {
        Map<String, Map<String, String>> properties = PROPERTY_STRINGS.get(format);
        if (properties != null) {
            Map<String, String> found = Schema.propertyString(properties, value);
            if (format.equals("prune-backups")) {
                refuseContradiction(found);
            }
        } else if (format.endsWith("-list")) {
            Consumer<String> item = known(format.substring(0, format.length() - "-list".length()));
            Words.of(value).forEach(item);
        } else if (!format.endsWith("-opt")) {
            known(format).accept(value);
        } else if (!value.isEmpty() && !value.equals("0")) {
            known(format.substring(0, format.length() - "-opt".length())).accept(value);
        }
    }

    private static Consumer<String> known(String format) {
        return FORMATS.getOrDefault(format, value -> {});
    }

    private static Consumer<String> matching(String pattern, String complaint) {
        Pattern compiled = Pattern.compile(pattern, Pattern.DOTALL);
        return value -> refuseUnless(compiled.matcher(value).matches(), complaint, value);
    }

    private static void refuseUnless(boolean holds, String complaint, String value) {
        if (!holds) {
            throw new BadValueException(complaint + " " + Quoted.of(value));
        }
    }

    private static void storageId(String value) {
        try {
            new StorageId(value);
        } catch (StorageException e) {
            throw new BadValueException(e.getMessage());
        }
    }

    private static void path(String value) {
        boolean isPath = value.length() > 1 && value.startsWith("/") && ";()".indexOf(value.charAt(1)) < 0;
        refuseUnless(isPath, "value does not look like a valid absolute path:", value);
    }

    private static void server(String value) {
        refuseUnless(isHost(value), "value does not look like a valid server name or IP address:", value);
    }

    private static void portal(String value) {
        Matcher brackets = BRACKETS_AND_PORT.matcher(value);
        Matcher address = ADDRESS_AND_PORT.matcher(value);
        boolean isPortal = NAME_AND_PORT.matcher(value).matches()
                || (brackets.matches()
                        && (isIpv6(brackets.group(1))
                                || HOST.matcher(brackets.group(1)).matches()))
                || isIpv6(value)
                || (address.matches() && isIpv6(address.group(1)));
        refuseUnless(isPortal, "value does not look like a valid portal address:", value);
    }

    private static void content(String value) {
        refuseUnless(ContentType.ofWord(value).isPresent(), "invalid content type", value);
    }

    private static void contentDir(String value) {
        Matcher dir = CONTENT_DIR.matcher(value);
        boolean isOverride = dir.matches();
        if (isOverride) {
            content(dir.group(1));
            String path = dir.group(2);
            isOverride = !path.contains("..") && !path.endsWith(".") && path.length() <= LONGEST_CONTENT_DIR;
            for (String name : path.split("/", -1)) {
                isOverride &= name.length() <= LONGEST_NAME;
            }
        }
        refuseUnless(isOverride, "invalid override", value);
    }

    private static void blockSize(String value) {
        if (value.isEmpty()) {
            return;
        }
        Matcher matcher = BLOCK_SIZE.matcher(value);
        boolean isBlockSize = matcher.matches();
        if (isBlockSize) {
            String unit = matcher.group(2) == null ? "" : matcher.group(2).toLowerCase(Locale.ROOT);
            BigInteger size = new BigInteger(matcher.group(1));
            size = unit.isEmpty() ? size : size.multiply(unit.equals("k") ? KIB : KIB.multiply(KIB));
            isBlockSize =
                    size.compareTo(SMALLEST_BLOCK) >= 0 && size.compareTo(LARGEST_BLOCK) <= 0 && size.bitCount() == 1;
        }
        refuseUnless(isBlockSize, "a ZFS blocksize is a power of 2 from 512 to 16m, not", value);
    }

    private static boolean isIp(String value) {
        return IPV4_ADDRESS.matcher(value).matches() || isIpv6(value);
    }

    /** To PVE the host {@code 0} is none. */
    private static boolean isHost(String value) {
        return (isIp(value) || isDnsName(value)) && !value.equals("0");
    }

    private static boolean isDnsName(String value) {
        return DNS_NAME.matcher(value).matches();
    }

    private static boolean isIpv6(String value) {
        int gap = value.indexOf("::");
        if (gap < 0) {
            return groups(value, true) == GROUPS;
        }
        int left = gap == 0 ? 0 : groups(value.substring(0, gap), false);
        String rest = value.substring(gap + 2);
        int right = rest.isEmpty() ? 0 : groups(rest, true);
        return left >= 0 && right >= 0 && left + right < GROUPS;
    }

    /** How many groups of an IPv6 address this is, an IPv4 address at its end counting for two; -1 if it is none. */
    private static int groups(String text, boolean mayEndInIpv4) {
        String[] parts = text.split(":", -1);
        int count = 0;
        for (int i = 0; i < parts.length; i++) {
            if (GROUP.matcher(parts[i]).matches()) {
                count++;
            } else if (mayEndInIpv4
                    && i == parts.length - 1
                    && IPV4_ADDRESS.matcher(parts[i]).matches()) {
                count += 2;
            } else {
                return -1;
            }
        }
        return count;
    }

    private static Map<String, Map<String, String>> retention() {
        Map<String, Map<String, String>> format = new HashMap<>();
        format.put("keep-all", Map.of("type", "boolean", "optional", "1"));
        for (String period : new String[] {"last", "hourly", "daily", "weekly", "monthly", "yearly"}) {
            format.put("keep-" + period, Map.of("type", "integer", "minimum", "0", "optional", "1"));
        }
        return format;
    }

    private static Map<String, Map<String, String>> bwlimit() {
        Map<String, Map<String, String>> format = new HashMap<>();
        for (String operation : new String[] {"default", "restore", "migration", "clone", "move"}) {
            format.put(operation, Map.of("type", "number", "minimum", "0", "optional", "1"));
        }
        return format;
    }

    private static void refuseContradiction(Map<String, String> retention) {
        boolean keepsAll = "1".equals(retention.get("keep-all"));
        boolean keepsSome = retention.entrySet().stream()
                .anyMatch(keep -> !keep.getKey().equals("keep-all") && new BigInteger(keep.getValue()).signum() > 0);
        if (keepsAll && keepsSome) {
            throw new BadValueException("keep-all cannot be set together with other options");
        }
    }
}
