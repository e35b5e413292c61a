package PVE::Storage::Common;

use v5.36;

use POSIX ();

use PVE::Tools;

use constant { FALLOC_FL_KEEP_SIZE => 0x01, FALLOC_FL_PUNCH_HOLE => 0x02 };

my $QEMU_IMG = '/usr/bin/qemu-img';

# fallocate(2), which Perl does not have.
my %FALLOCATE = (aarch64 => 47, riscv64 => 47, x86_64 => 285);

sub align_size_up : prototype($$) {
    my ($size, $granularity) = @_;

    my $rest = $size % $granularity;
    return $size if !$rest;
    my $aligned = $size - $rest + $granularity;
    print STDERR "size $size is not aligned to granularity $granularity, rounding up to $aligned\n";
    return $aligned;
}

sub deallocate : prototype($$$) {
    my ($fh, $offset, $length) = @_;

    my $machine = PVE::Tools::get_host_arch();
    my $number = $FALLOCATE{$machine}
        // die "deallocate: the system call is not known for the architecture '$machine'\n";
    my $mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    syscall($number, fileno($fh), $mode, int($offset), int($length)) == 0
        or die "cannot deallocate $length bytes at $offset: $!\n";
    return;
}

sub qemu_img_create {
    my ($format, $size, $path, $options) = @_;

    my @cmd = ($QEMU_IMG, 'create', _options($options), '-f', $format, $path, "${size}K");
    return PVE::Tools::run_command(\@cmd, errmsg => 'unable to create image');
}

sub qemu_img_create_qcow2_backed {
    my ($path, $backing_path, $backing_format, $options) = @_;

    my %all = (extended_l2 => 'on', cluster_size => '128k', ($options // {})->%*);
    my @backing = ('-F', $backing_format, '-b', $backing_path);
    my @cmd = ($QEMU_IMG, 'create', @backing, _options(\%all), '-f', 'qcow2', $path);
    return PVE::Tools::run_command(\@cmd, errmsg => 'unable to create image');
}

sub qemu_img_info {
    my ($filename, $format, $timeout, $follow_backing_files) = @_;

    my @cmd = ($QEMU_IMG, 'info', '--output=json', $filename);
    push @cmd, '-f', $format if $format;
    push @cmd, '--backing-chain' if $follow_backing_files;
    return _json(\@cmd, $timeout);
}

sub qemu_img_measure {
    my ($size, $format, $timeout, $options) = @_;

    die "qemu_img_measure: no size given\n" if !defined($size);
    my @cmd = ($QEMU_IMG, 'measure', '--output=json', '--size', "${size}K", '-O', $format);
    push @cmd, '-o', join(',', $options->@*) if $options && $options->@*;
    return _json(\@cmd, $timeout);
}

sub qemu_img_resize {
    my ($path, $format, $size, $preallocation, $timeout) = @_;

    my @cmd = ($QEMU_IMG, 'resize');
    push @cmd, "--preallocation=$preallocation" if $preallocation;
    push @cmd, '-f', $format, $path // '', $size;
    return PVE::Tools::run_command(\@cmd, timeout => $timeout);
}

sub _options ($options) {
    my @pairs = map { "$_=$options->{$_}" } sort keys(($options // {})->%*);
    return @pairs ? ('-o', join(',', @pairs)) : ();
}

sub _json ($cmd, $timeout) {
    my ($json, $said) = ('', '');
    my $done = eval {
        PVE::Tools::run_command(
            $cmd,
            timeout => $timeout,
            outfunc => sub { $json .= $_[0] },
            errfunc => sub { $said .= "$_[0]\n" },
        );
        1;
    };
    if (!$done) {
        warn $@;
        die length($said) ? $said : $@;
    }
    warn $said if length($said);
    return $json;
}

1;

__END__

=head1 NAME

PVE::Storage::Common - sizes, holes and qemu-img

=head1 SYNOPSIS

    PVE::Storage::Common::qemu_img_create('qcow2', $kib, $path, { preallocation => 'metadata' });

=head1 DESCRIPTION

Part of Tenon's compat layer.

=head1 FUNCTIONS

=head2 align_size_up

    my $aligned = PVE::Storage::Common::align_size_up($size, $granularity);

The next multiple; says so on standard error if it rounds up.

=head2 deallocate

    PVE::Storage::Common::deallocate($fh, $offset, $length);

Punches a hole of this many bytes into a file, whose size stays. Dies if the file system cannot.

=head2 qemu_img_create, qemu_img_create_qcow2_backed

    PVE::Storage::Common::qemu_img_create($format, $kib, $path, \%options);
    PVE::Storage::Common::qemu_img_create_qcow2_backed($path, $backing, $format, \%options);

Make an image; the size is in KiB. Die with qemu-img's last line.

=head2 qemu_img_resize

    PVE::Storage::Common::qemu_img_resize($path, $format, $bytes, $preallocation, $timeout);

The size is in bytes.

=head2 qemu_img_info, qemu_img_measure

    my $json = PVE::Storage::Common::qemu_img_info($path, $format, $timeout, $with_backing_chain);
    my $json = PVE::Storage::Common::qemu_img_measure($kib, $format, $timeout, \@options);

The text of qemu-img. Die with its words.

=cut
