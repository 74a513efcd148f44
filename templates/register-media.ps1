#Requires -Version 3.0

<#
.SYNOPSIS
    Tells a Configuration Manager site of the certificate of a task sequence medium.

.DESCRIPTION
    A site answers only media whose certificate it knows. This script calls SMS_Site.SubmitRegistrationRecord at the SMS
    Provider, which the console does when it makes media itself. Nothing in it is secret: the private key of the
    certificate stays on the medium.

    Run it as someone who may create task sequence media, on the SMS Provider or a computer that reaches it by WinRM.
    -WhatIf says what would be done, and does nothing.

.PARAMETER SiteCode
    The site code of the primary site.

.PARAMETER SmsProvider
    The computer with the SMS Provider role; this one when not given.

.EXAMPLE
    .\register-media.ps1 -SiteCode PS1 -SmsProvider cm01.contoso.com -WhatIf
#>
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    [ValidatePattern('^[A-Za-z0-9]{3}$')]
    [string] $SiteCode = {site-code},

    [ValidateNotNullOrEmpty()]
    [string] $SmsProvider = {sms-provider}
)

Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

# What people call the medium. The site is not told.
$medium = {medium}
# SHA-1 of the certificate, by which the console's node Certificates shows it.
$thumbprint = {thumbprint}

$record = @{
    # The media GUID, exactly as it stands on the medium: its text is part of a password there.
    SMSID       = {smsid}
    # The media certificate (DER) in hexadecimal. Its private key (CertificatePFX) is optional, and not given away.
    Certificate = {certificate}
    # What it is for: 1 is boot media.
    Type        = [int] {type}
    # User device affinity: 0 disabled, 1 pending approval, 2 automatic. It has to be that of the medium.
    UdaSetting  = [int] {uda-setting}
    # 1 for a self-signed certificate, 2 for one that a PKI issued.
    IssuedCert  = [int] {issued-cert}
}

$provider = @{ Namespace = "root\SMS\site_$SiteCode" }
if ($SmsProvider -ne $env:COMPUTERNAME) {
    $provider.ComputerName = $SmsProvider
}

if ($PSCmdlet.ShouldProcess("site $SiteCode at $SmsProvider", "Register $($record.SMSID) ($medium)")) {
    $result = Invoke-CimMethod @provider -ClassName SMS_Site -MethodName SubmitRegistrationRecord -Arguments $record
    # The result is documented as StatusCode; CIM calls what a method returns ReturnValue.
    $codes = @('StatusCode', 'ReturnValue' | ForEach-Object { $result.PSObject.Properties[$_] } |
            Where-Object { $null -ne $_ -and $null -ne $_.Value } | ForEach-Object { $_.Value })
    if ($codes.Count -eq 0) {
        throw "The SMS Provider did not say whether it registered $($record.SMSID)."
    }
    if (@($codes | Where-Object { $_ -ne 0 }).Count -gt 0) {
        throw "The SMS Provider did not register $($record.SMSID): it returned $($codes -join ', ')."
    }
    Write-Output "Registered $($record.SMSID), certificate $thumbprint ($medium)."
}
