package dev.tenon.core.spi;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A volume of a storage (PVE's {@code volid}), written {@code storeid:volname}. */
public record VolumeId(StorageId storage, VolumeName volume) {
    private static final Pattern SHAPE = Pattern.compile("([A-Za-z][A-Za-z0-9\\-_.]*[A-Za-z0-9]):(.+)", Pattern.DOTALL);

    /**
     * Reads {@code storeid:volname}.
     *
     * @throws StorageException {@code INVALID_NAME} if the text does not have that form
     */
    public static VolumeId parse(String text) {
        Matcher matcher = SHAPE.matcher(text);
        if (!matcher.matches()) {
            throw StorageException.refused(StorageError.INVALID_NAME, "unable to parse volume ID " + Quoted.of(text));
        }
        return new VolumeId(new StorageId(matcher.group(1)), new VolumeName(matcher.group(2)));
    }

    @Override
    public String toString() {
        return storage + ":" + volume;
    }
}
