package PVE::Storage::ZFSPoolPlugin;

use v5.36;

use base qw(PVE::Storage::Plugin);

use PVE::Tools;

sub type {
    return 'zfspool';
}

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1 }, { images => 1, rootdir => 1 }],
        format => [{ raw => 1, subvol => 1 }, 'raw'],
        'sensitive-properties' => {},
    };
}

sub zfs_parse_zvol_list {
    my ($text, $pool) = @_;

    my @list;
    for my $line (split(/\n/, $text // '')) {
        my ($dataset, $size, $origin, $type, $refquota) = split(/\s+/, $line);
        next if !defined($dataset) || $dataset !~ m{\A\Q$pool\E/([^/]+)\z};
        my $name = $1;
        my ($owner) = $name =~ m/\A(?:vm|base|subvol|basevol)-([0-9]+)-\S+\z/ or next;
        my $is_volume = ($type // '') eq 'volume';
        my %entry = (name => $name, owner => $owner, format => $is_volume ? 'raw' : 'subvol');
        $entry{size} = ($is_volume ? $size : $refquota) + 0;
        $entry{origin} = $origin if defined($origin) && $origin ne '-';
        push @list, \%entry;
    }
    return \@list;
}

sub zfs_request {
    my ($class, $scfg, $timeout, $method, @params) = @_;

    my @cmd = $method eq 'zpool_list' ? qw(zpool list) : ('zfs', $method);
    my $text = '';
    PVE::Tools::run_command(
        [@cmd, @params],
        timeout => $timeout // 10,
        errmsg => "zfs error",
        outfunc => sub { $text .= "$_[0]\n" },
    );
    return $text;
}

sub parse_volname {
    my ($class, $volname) = @_;

    if ($volname =~ m{\A(?:(base(?:vol)?-([0-9]+)-\S+)/)?((base|basevol|vm|subvol)-([0-9]+)-\S+)\z})
    {
        my $prefix = $4;
        return (
            'images', $3, $5, $1, $2,
            scalar($prefix =~ m/\Abase/),
            $prefix =~ m/vol\z/ ? 'subvol' : 'raw'
        );
    }
    die "unable to parse zfs volume name '$volname'\n";
}

1;

__END__

=head1 NAME

PVE::Storage::ZFSPoolPlugin - what plugins borrow from the type zfspool

=head1 SYNOPSIS

    my $text = $class->zfs_request($scfg, 10, 'list', '-Hp', $pool);

=head1 DESCRIPTION

Part of Tenon's compat layer. Its other methods are those of L<PVE::Storage::Plugin>.

=head1 FUNCTIONS

=head2 zfs_parse_zvol_list

    my $list = PVE::Storage::ZFSPoolPlugin::zfs_parse_zvol_list($text, $pool);

The guests' volumes directly in the pool, from the columns name, volsize, origin, type and refquota of C<zfs list -Hp>:
hashes with C<name>, C<owner>, C<format>, C<size> in bytes, and C<origin> of a clone.

=head1 METHODS

=head2 zfs_request

    my $text = $class->zfs_request($scfg, $timeout, $method, @params);

Runs C<zfs>, or C<zpool list> for the method C<zpool_list>, and returns its output. Waits 10 seconds unless told otherwise,
and dies with the command's last line.

=cut
